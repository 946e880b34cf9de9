/** One thing wrong with an inventory, at the place a person would look for it. */
export interface InventoryProblem {
  /** `[3].sans[1]`, `line 4, column 7`, or empty where the whole file is meant. */
  readonly path: string;
  readonly message: string;
}

const shownCharacters = 100;
// Bidirectional controls and the like would let a name rewrite the message that refuses it.
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Untrusted text as one printable line in double quotes, cut after 100 characters. */
export function quote(text: string): string {
  const cut = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  return JSON.stringify(cut).replace(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** The one message about an inventory that was refused: every problem on a line of its own. */
export function formatInventoryProblems(problems: readonly InventoryProblem[], source: string): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map(({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`);
  return [`${quote(source)} has ${count}; nothing was ordered:`, ...lines].join('\n');
}
