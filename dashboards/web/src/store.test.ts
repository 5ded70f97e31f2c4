import { describe, expect, it, vi } from 'vitest';
import type { Client } from './api/client.ts';
import type { Query, QueryResponse } from './api/types.ts';
import { createStore } from './store.ts';

const SITES = [
  { id: 'a.example', timezone: 'UTC', profile: 'consent' as const },
  { id: 'b.example', timezone: 'Asia/Tokyo', profile: 'consent' as const },
];
const settle = () => new Promise((done) => setTimeout(done, 0));

function setUp(search = '') {
  let at = search;
  let now = new Date('2026-11-23T12:00:00Z');
  let isDown = false;
  const asked: Query[][] = [];
  const client: Client = {
    sites: vi.fn(),
    query: vi.fn(),
    funnel: vi.fn(),
    changes: vi.fn(),
    live: async () => ({ ok: true, value: 3 }),
    quality: async () => ({ ok: true, value: { accepted: 1, dropped: {} } }),
    snippet: async () => ({ ok: true, value: '' }),
    async batch(queries) {
      asked.push(queries);
      if (isDown) return { ok: false, failure: { kind: 'offline' } };
      const empty: QueryResponse = { results: [{ metrics: [1], dimensions: [] }], meta: {}, query: {} };
      return { ok: true, value: queries.map(() => ({ ok: true, value: empty })) };
    },
  };
  const store = createStore({
    boot: { sites: SITES, demo: false, version: '' },
    client,
    environment: {
      search: () => at,
      push: (address) => {
        at = address;
      },
      replace: (address) => {
        at = address;
      },
      now: () => now,
    },
  });
  return {
    store,
    asked,
    address: () => at,
    visit: (address: string) => {
      at = address;
      store.readAddress();
    },
    pass: (ms: number) => {
      now = new Date(now.getTime() + ms);
    },
    fail: (on: boolean) => {
      isDown = on;
    },
  };
}

describe('the store', () => {
  it('sends one request per change of state', async () => {
    const { store, asked } = setUp();
    await settle();
    expect(asked).toHaveLength(1);
    store.go({ period: '7d' });
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('sends none for another metric, and only the tab’s for a tab', async () => {
    const { store, asked } = setUp();
    await settle();
    store.go({ metric: 'visits' });
    await settle();
    expect(asked).toHaveLength(1);
    store.go({ tabs: { browsers: 'os' } });
    await settle();
    expect(asked[1]?.map((query) => query.dimensions?.[0])).toEqual(['visit:os', 'visit:os']);
  });

  it('reuses fresh answers on Back', async () => {
    const { store, asked, visit, pass } = setUp();
    await settle();
    store.go({ period: '7d' });
    await settle();
    visit('');
    await settle();
    expect(asked).toHaveLength(2);
    expect(store.known('totals')).toMatchObject({ status: 'ready', isStale: false });
    store.go({ period: '7d' });
    pass(60_000);
    visit('');
    await settle();
    expect(asked).toHaveLength(3);
  });

  it('writes every change to the address and reads it back', async () => {
    const { store, address, visit } = setUp('?site=b.example');
    expect(store.site.value?.id).toBe('b.example');
    store.go({ filters: [{ dimension: 'country', op: 'is', values: ['JP'] }] });
    expect(address()).toBe('?site=b.example&f=country~is~JP');
    visit('?site=b.example');
    expect(store.view.value.filters).toEqual([]);
  });

  it('keeps the numbers when a refresh fails, and reports it', async () => {
    const { store, fail } = setUp();
    await settle();
    fail(true);
    await store.refresh();
    await settle();
    expect(store.trouble.value).toEqual({ kind: 'offline' });
    expect(store.known('totals').status).toBe('ready');
    fail(false);
    store.retry();
    await settle();
    expect(store.trouble.value).toBeNull();
  });

  it('never shows the numbers of the previous site', async () => {
    const { store, fail } = setUp();
    await settle();
    fail(true);
    store.go({ site: 'b.example' });
    expect(store.known('totals').status).toBe('loading');
    await settle();
    expect(store.known('totals').status).toBe('failed');
  });

  it('moves the period on at the site’s midnight', async () => {
    const { store, pass, asked } = setUp();
    await settle();
    expect(store.days.value.range?.to).toBe('2026-11-23');
    pass(12 * 3600_000);
    await store.refresh();
    await settle();
    expect(store.days.value.range?.to).toBe('2026-11-24');
    expect(asked.at(-1)?.[0]?.date_range).toEqual(['2026-10-28', '2026-11-24']);
  });

  it('does not fetch past days again', async () => {
    const { store, asked } = setUp('?period=yesterday');
    await settle();
    await store.refresh();
    await settle();
    expect(asked).toHaveLength(1);
    expect(store.live.value).toBe(3);
  });

  it('names an unknown site and shows the first one', () => {
    const { store } = setUp('?site=gone.example');
    expect(store.unknownSite.value).toBe('gone.example');
    expect(store.site.value?.id).toBe('a.example');
  });
});
