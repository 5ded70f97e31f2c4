// Finds comments that are too wide. Stable rustfmt cannot enforce `comment_width`, and Biome has no
// such rule.

/** Maximum columns of a line that only holds a comment. */
export const COLUMNS_MAX = 100;

const COMMENT = /^\s*(\/\/|\/\*|\*(?=[\s/]|$))/;
const FENCE = /^\s*(\/\/[/!]?|\*)\s*```/;
/** Lines that can't be wrapped: an instruction to a linter, a row of a table, one long word. */
const UNBREAKABLE = /^\s*(\/\/[/!]?|\/?\*+)\s*(biome-ignore\b|\||\S+$)/;

/** The comment lines of a source text that are too wide: `{ line, columns }`, from line 1. */
export function wideComments(text) {
  const found = [];
  let isFenced = false;
  for (const [index, line] of text.split('\n').entries()) {
    const isComment = COMMENT.test(line);
    // A drawing or code between two lines of ``` keeps its shape. The block ends with the comment.
    if (!isComment) isFenced = false;
    else if (FENCE.test(line)) isFenced = !isFenced;
    const columns = [...line].length;
    if (columns > COLUMNS_MAX && isComment && !isFenced && !UNBREAKABLE.test(line)) found.push({ line: index + 1, columns });
  }
  return found;
}
