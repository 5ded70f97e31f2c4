/** Notes by the point of the chart they belong to. */
import type { Note } from '../api/types.ts';
import { addDays } from '../state/date.ts';
import type { Interval } from '../state/period.ts';
import { normalLabel, type Series } from './series.ts';

/** Notes by the index of their point, the earliest first. Notes outside the period are left out. */
export function notesOf(series: Series, notes: readonly Note[]): Map<number, Note[]> {
  const labels = series.points.map((point) => normalLabel(point.label));
  const found = new Map<number, Note[]>();
  for (const note of [...notes].sort((a, b) => (a.at < b.at ? -1 : 1))) {
    const at = normalLabel(note.at);
    const index = indexOf(labels, at, series.interval);
    if (index >= 0) found.set(index, [...(found.get(index) ?? []), note]);
  }
  return found;
}

function indexOf(labels: readonly string[], at: string, interval: Interval): number {
  const day = at.slice(0, 10);
  switch (interval) {
    case 'hour': {
      // A note about a whole day belongs to its first hour.
      const hour = at.length > 10 ? at.slice(0, 13) : `${day} 00`;
      return labels.findIndex((label) => label.slice(0, 13) === hour);
    }
    case 'day':
      return labels.findIndex((label) => label.slice(0, 10) === day);
    case 'week':
      return labels.findIndex((label) => {
        const first = label.slice(0, 10);
        return first <= day && day <= addDays(first, 6);
      });
    case 'month':
      return labels.findIndex((label) => label.slice(0, 7) === day.slice(0, 7));
  }
}
