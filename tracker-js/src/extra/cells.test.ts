import { describe, expect, it } from 'vitest';
import { COLUMNS, readCell } from './cells';

const click = (html: string, place: { pageX?: number; pageY?: number; detail?: number } = {}) => {
  document.body.innerHTML = html;
  let event: MouseEvent | undefined;
  let cell: number | undefined;
  addEventListener(
    'click',
    (each) => {
      event = each;
      Object.defineProperties(each, {
        pageX: { value: place.pageX ?? 0 },
        pageY: { value: place.pageY ?? 0 },
        detail: { value: place.detail ?? 1 },
      });
      cell = readCell(each, 1000);
    },
    { once: true, capture: true },
  );
  document.querySelector('#it')?.dispatchEvent(new MouseEvent('click', { bubbles: true, composed: true }));
  expect(event).toBeDefined();
  return cell;
};

describe('a click cell', () => {
  it.each([
    [0, 0, 0],
    [49.9, 49.9, 0],
    [50, 0, 1],
    [999, 0, COLUMNS - 1],
    [1000, 0, COLUMNS - 1],
    [0, 50, COLUMNS],
    [525, 1010, 20 * COLUMNS + 10],
  ])('at %d, %d of a page 1000 wide is %d', (pageX, pageY, expected) =>
    expect(click('<p id="it">x</p>', { pageX, pageY })).toBe(expected),
  );

  it.each([
    ['<input id="it">'],
    ['<textarea id="it"></textarea>'],
    ['<select><option id="it">x</option></select>'],
    ['<label><b id="it">x</b></label>'],
  ])('is not kept in a form field: %s', (html) => expect(click(html)).toBeUndefined());

  it('is kept next to a form field', () => expect(click('<form><p id="it">x</p><input></form>')).toBe(0));
  it('is not kept for a click by keyboard', () => expect(click('<a id="it">x</a>', { detail: 0 })).toBeUndefined());
  it('is not kept beyond what the collector can store', () =>
    expect(click('<p id="it">x</p>', { pageY: 200_000 })).toBeUndefined());
});
