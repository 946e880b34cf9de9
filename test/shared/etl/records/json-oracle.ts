/**
 * The rules for a row, judged as naively as they can be: `JSON.parse` for the syntax, then the text taken apart
 * into tokens by one regular expression. It shares nothing with the reader it is held against.
 */
export function judgeNaively(text: string): { readonly row: unknown } | { readonly refused: true } {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g) ?? [];
  try {
    const value = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { refused: true };
  } catch {
    return { refused: true };
  }
  return tokens.some((token) => isRefusedToken(token)) || repeatsKey(tokens) || refusesKey(tokens)
    ? { refused: true }
    : { row: JSON.parse(tokens.map(quoteBigInteger).join(' ')) };
}

function isRefusedToken(token: string): boolean {
  if (token.startsWith('"')) return !JSON.parse(token).isWellFormed();
  return /^-?\d/.test(token) && !Number.isFinite(Number(token)) && !/^-?\d+$/.test(token);
}

const keysOf = (tokens: readonly string[]) =>
  tokens.flatMap((token, index) => (tokens[index + 1] === ':' ? [JSON.parse(token)] : []));

function refusesKey(tokens: readonly string[]): boolean {
  return keysOf(tokens).some((key) => ['__proto__', 'constructor', 'prototype'].includes(key));
}

function repeatsKey(tokens: readonly string[]): boolean {
  const open: string[][] = [];
  for (const [index, token] of tokens.entries()) {
    if (token === '{') open.push([]);
    if (token === '[') open.push([]);
    if (tokens[index + 1] === ':') open.at(-1)?.push(JSON.parse(token));
    if (token !== '}' && token !== ']') continue;
    const keys = open.pop() ?? [];
    if (new Set(keys).size < keys.length) return true;
  }
  return false;
}

function quoteBigInteger(token: string): string {
  return /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}
