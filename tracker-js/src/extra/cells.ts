// Where on a page people click, as cells of a grid.
//
// Place: writes into the current pageview's extra fields, which the tracker sends with its
// engagement. A cell is a square as wide as a twentieth of the page: number = row * 20 + column.
// Invariants: no element, selector, text or exact point is kept; clicks in form fields are not
// looked at; only clicks are listened to, no movement and no key.

export const COLUMNS = 20;
/** Cells of one pageview; the collector takes no more. */
export const CELLS_MAX = 200;
/** The collector's cells are 16-bit numbers. */
const CELL_LAST = 65_535;

const FIELDS = /^(input|textarea|select|option|label)$/;

/** True when the click went through a form field or something people write in. */
const isInField = (event: Event): boolean =>
  (event.composedPath() as HTMLElement[]).some(
    ({ localName, isContentEditable }) => FIELDS.test(localName) || isContentEditable,
  );

/** The cell of a click, or undefined when it is not to be counted: in a field, by keyboard, beyond the grid. */
export const readCell = (event: MouseEvent, pageWidth: number): number | undefined => {
  // Enter and Space on a link make clicks without a place.
  if (event.detail === 0 || isInField(event)) return undefined;
  const side = pageWidth / COLUMNS;
  const column = Math.min(COLUMNS - 1, Math.floor(event.pageX / side));
  const cell = Math.floor(event.pageY / side) * COLUMNS + column;
  return column >= 0 && cell >= 0 && cell <= CELL_LAST ? cell : undefined;
};
