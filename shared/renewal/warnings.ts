/** A renewal is one item, and may be tried for months: what it warns of has to stay far below 400 KB. */
const mostWarnings = 50;
const longestWarning = 1000;

/** The warnings of a renewal with these beside them; what was said before is not said again. */
export const addWarnings = (known: readonly string[], more: readonly string[]): readonly string[] =>
  [...new Set([...known, ...more.map((warning) => warning.slice(0, longestWarning))])].slice(-mostWarnings);
