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
  it('one state change makes one request', async () => {
    const { store, asked } = setUp();
    await settle();
    expect(asked).toHaveLength(1);
    store.go({ period: '7d' });
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('another metric of the chart makes none, another tab only its own', async () => {
    const { store, asked } = setUp();
    await settle();
    store.go({ metric: 'visits' });
    await settle();
    expect(asked).toHaveLength(1);
    store.go({ tabs: { browsers: 'os' } });
    await settle();
    expect(asked[1]?.map((query) => query.dimensions?.[0])).toEqual(['visit:os', 'visit:os']);
  });

  it('Back shows what was there without asking again, while it is fresh', async () => {
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

  it('writes every change into the address and reads it back', async () => {
    const { store, address, visit } = setUp('?site=b.example');
    expect(store.site.value?.id).toBe('b.example');
    store.go({ filters: [{ dimension: 'country', op: 'is', values: ['JP'] }] });
    expect(address()).toBe('?site=b.example&f=country~is~JP');
    visit('?site=b.example');
    expect(store.view.value.filters).toEqual([]);
  });

  it('keeps the numbers when a refresh fails, and says so until one succeeds', async () => {
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

  it('another site never shows the numbers of the one before', async () => {
    const { store, fail } = setUp();
    await settle();
    fail(true);
    store.go({ site: 'b.example' });
    expect(store.known('totals').status).toBe('loading');
    await settle();
    expect(store.known('totals').status).toBe('failed');
  });

  it('at midnight of the site the days move on by themselves', async () => {
    const { store, pass, asked } = setUp();
    await settle();
    expect(store.days.value.range?.to).toBe('2026-11-23');
    pass(12 * 3600_000);
    await store.refresh();
    await settle();
    expect(store.days.value.range?.to).toBe('2026-11-24');
    expect(asked.at(-1)?.[0]?.date_range).toEqual(['2026-10-28', '2026-11-24']);
  });

  it('days gone by are not fetched again', async () => {
    const { store, asked } = setUp('?period=yesterday');
    await settle();
    await store.refresh();
    await settle();
    expect(asked).toHaveLength(1);
    expect(store.live.value).toBe(3);
  });

  it('a site that does not exist is named, and the first one shown', () => {
    const { store } = setUp('?site=gone.example');
    expect(store.unknownSite.value).toBe('gone.example');
    expect(store.site.value?.id).toBe('a.example');
  });
});
