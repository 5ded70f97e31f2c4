/**
 * CSV for spreadsheets, by RFC 4180: CRLF, quotes where needed. UTF-8 with a byte-order mark,
 * without which Excel guesses the encoding. Text that looks like a formula stays text; numbers stay
 * numbers.
 */
export type Cell = string | number | null;

/** Excel, LibreOffice and Sheets run a cell that begins like this as a formula. */
const FORMULA = /^[=+\-@\t\r\n|]/;

export function csvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const text = FORMULA.test(cell) || FORMULA.test(cell.trimStart()) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvOf(header: string[], rows: Cell[][]): string {
  return `\uFEFF${[header, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n')}\r\n`;
}

/** `example.com pages 2026-11-01 2026-11-23.csv`, without characters that file systems refuse. */
export const csvName = (parts: (string | undefined)[]): string =>
  `${parts
    .filter(Boolean)
    .join(' ')
    .replace(/[^\p{L}\p{N} ._-]/gu, '-')}.csv`;

/** Starts a download of the text in the browser. */
export function saveCsv(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
