/**
 * CSV that spreadsheets open as what it is: text that looks like a formula is kept text, numbers
 * stay numbers. UTF-8 with a byte-order mark (Excel otherwise guesses), CRLF, quotes where needed
 * (RFC 4180).
 */
export type Cell = string | number | null;

/** A cell that begins like this would be run as a formula by Excel, LibreOffice or Sheets. */
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

/** `example.com pages 2026-11-01 2026-11-23.csv`, with nothing a file system could stumble over. */
export const csvName = (parts: (string | undefined)[]): string =>
  `${parts
    .filter(Boolean)
    .join(' ')
    .replace(/[^\p{L}\p{N} ._-]/gu, '-')}.csv`;

/** Hands the text to the browser as a download. */
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
