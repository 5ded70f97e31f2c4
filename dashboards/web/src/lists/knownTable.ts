/**
 * A list's table from the answers it is made of: its rows, the same rows of the earlier period, and
 * the engagement metrics, which are asked separately. Panels, the full list and the CSV file all
 * build it here.
 */
import type { QueryResponse } from '../api/types.ts';
import type { Slot } from '../query/plan.ts';
import { filteredGoal, type TableSpec, tableSpec } from '../query/tables.ts';
import type { DetailTab } from '../state/address.ts';
import type { Store } from '../store.ts';
import { type Known, mapKnown, readyValue } from '../viewmodels/known.ts';
import { type Table, tableOf, totalFor } from '../viewmodels/table.ts';

export type ListSlots = { rows: Slot; before: Slot; engagement: Slot };

export const panelSlots = (tab: DetailTab): ListSlots => ({
  rows: `rows-${tab}`,
  before: `before-${tab}`,
  engagement: `engagement-${tab}`,
});

export const DETAIL_SLOTS: ListSlots = {
  rows: 'detail',
  before: 'detail-before',
  engagement: 'detail-engagement',
};

export function tableFrom(options: {
  spec: TableSpec;
  response: QueryResponse;
  before: QueryResponse | null;
  /** Rows of the earlier period that were asked for. */
  beforeLimit: number;
  engagement: QueryResponse | null;
  totals: QueryResponse | null;
}): Table {
  const { spec, response, engagement, totals } = options;
  return tableOf({
    metrics: spec.metrics,
    response,
    before: options.before,
    beforeLimit: options.beforeLimit,
    engagement: spec.engagement && engagement ? { metrics: spec.engagement, response: engagement } : null,
    totalVisitors: totalFor(response, totals),
  });
}

export function knownTable(options: {
  store: Store;
  tab: DetailTab;
  slots: ListSlots;
  beforeLimit: number;
}): Known<Table> {
  const { store, tab, slots, beforeLimit } = options;
  const spec = tableSpec(tab, store.view.value.filters, store.goals.value);
  const before = store.earlier(slots.before);
  const engagement = spec.engagement ? readyValue(store.known(slots.engagement)) : null;
  return mapKnown(store.known(slots.rows), (response) => {
    const totals = readyValue(store.known('totals'));
    return tableFrom({ spec, response, before, beforeLimit, engagement, totals });
  });
}

/** The currency of a row's revenue: that of the row's goal, or of the goal that is filtered by. */
export function currencyOf(store: Store, tab: DetailTab, name: string): string | null {
  const goals = store.goals.value;
  const goal =
    tab === 'goal' ? goals.find((one) => one.name === name) : filteredGoal(store.view.value.filters, goals);
  return goal?.currency ?? null;
}
