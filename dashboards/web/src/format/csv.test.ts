import { describe, expect, it } from 'vitest';
import { csvCell, csvName, csvOf } from './csv.ts';

describe('a CSV file', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '|x'])('keeps %j as text', (text) => {
    expect(csvCell(text).replace(/^"/, '').startsWith("'")).toBe(true);
  });
  it('keeps numbers as numbers, negative ones included', () => {
    expect(csvCell(-12.5)).toBe('-12.5');
    expect(csvCell(null)).toBe('');
    expect(csvCell(Number.NaN)).toBe('');
  });
  it('quotes commas, quotes and line ends', () => {
    expect(csvCell('a,"b"\n')).toBe('"a,""b""\n"');
  });
  it('has a byte-order mark, CRLF and a header', () => {
    expect(csvOf(['Page', 'Visitors'], [['/', 3]])).toBe('\uFEFFPage,Visitors\r\n/,3\r\n');
  });
  it('has a name that every file system accepts', () => {
    expect(csvName(['example.com', 'a/b:c', undefined])).toBe('example.com a-b-c.csv');
  });
});
