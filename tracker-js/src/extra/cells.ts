// The grid cell of a click.
//
// Place: `index` adds each cell to the current pageview's extra fields, which the tracker sends
// with the engagement. A cell is a square with a twentieth of the page's width: number
// = row * 20 + column. Invariants: no element, selector, text or exact point is kept; clicks in
// form fields are ignored; the script listens to clicks only, never to mouse movements or keys.

export const COLUMNS = 20;
/** Cells per pageview. The same as the collector's `CLICKS_MAX`; `limits.test.ts` compares them. */
export const CELLS_MAX = 64;
/** The collector stores cells as 16-bit numbers. */
const CELL_LAST = 65_535;

const FIELDS = /^(input|textarea|select|option|label)$/;

/** True when the click was inside a form field or an editable element. */
const isInField = (event: Event): boolean =>
  (event.composedPath() as HTMLElement[]).some(
    ({ localName, isContentEditable }) => FIELDS.test(localName) || isContentEditable,
  );

/** The cell of a click. Undefined for clicks in a field, by keyboard or outside the grid. */
export const readCell = (event: MouseEvent, pageWidth: number): number | undefined => {
  // Enter and Space on a link produce clicks without a position.
  if (event.detail === 0 || isInField(event)) return undefined;
  const side = pageWidth / COLUMNS;
  const column = Math.min(COLUMNS - 1, Math.floor(event.pageX / side));
  const cell = Math.floor(event.pageY / side) * COLUMNS + column;
  return column >= 0 && cell >= 0 && cell <= CELL_LAST ? cell : undefined;
};
