/** The mock of the control API: as much of `docs/control.md` as the manage pages need. */
import type { IncomingMessage } from 'node:http';

type Item = {
  id: number;
  version: number;
  value: unknown;
  own: boolean;
  changed: string;
  changed_by: string;
};
export type Reply = { status: number; body: unknown };

const KINDS = ['goals', 'funnels', 'annotations', 'saved-filters'];
const CHANGED = '2026-11-20T09:00:00Z';
const step = (path: string) => ({ filters: [['is', 'event:page', [path]]] });

export function createMockControl() {
  const objects = new Map<string, Item[]>(KINDS.map((kind) => [kind, []]));
  const keys: unknown[] = [
    { id: 1, name: 'Grafana', scopes: ['query'], created: CHANGED, created_by: 'ada', used: '2026-11-24' },
  ];
  const links: unknown[] = [
    {
      id: 1,
      name: 'Agency',
      filters: [['is', 'visit:source', ['Google']]],
      frame_ancestors: ['https://www.example.com'],
      expires: null,
      has_password: true,
      created: CHANGED,
      created_by: 'ada',
    },
  ];
  const subscriptions: unknown[] = [
    {
      id: 1,
      kind: 'summary',
      every: 'week',
      to: 'ada@example.com',
      language: 'en',
      confirmed: true,
      trouble: null,
    },
    {
      id: 2,
      kind: 'alert',
      every: null,
      to: 'ops@example.com',
      language: 'de',
      confirmed: false,
      trouble: null,
    },
  ];
  const people = [
    { id: 1, name: 'ada', roles: { '*': 'owner' }, second_factor: true },
    { id: 2, name: 'bert', roles: { 'example.com': 'viewer' }, second_factor: false },
  ];
  let next = 10;
  const add = (kind: string, value: unknown, own = false): Item => {
    const item = { id: next++, version: 1, value, own, changed: CHANGED, changed_by: 'ada' };
    objects.get(kind)?.push(item);
    return item;
  };
  add('goals', { name: 'Order', achieved_by: { kind: 'event', name: 'Order', props: {} }, currency: 'EUR' });
  add('goals', { name: 'Read', achieved_by: { kind: 'scroll', pattern: '/blog/*', percent: 75 } });
  add('funnels', { name: 'Checkout', order: 'loose', steps: [step('/'), step('/pricing')] });
  add('annotations', { at: '2026-11-18', text: 'Newsletter' });
  add('saved-filters', { name: 'Japan', filters: [['is', 'visit:country', ['JP']]] });
  const ok = (body: unknown, status = 200): Reply => ({ status, body });

  /** Returns `null` for any other route. */
  return async (request: IncomingMessage, url: URL, body: string): Promise<Reply | null> => {
    const method = request.method ?? 'GET';
    const given = body ? JSON.parse(body) : {};
    if (url.pathname === '/api/me')
      return ok({ id: 1, name: 'ada', roles: { '*': 'owner' }, second_factor: true, csrf: 'token' });
    if (url.pathname === '/api/people') return ok({ people });
    if (url.pathname === '/api/audit')
      return ok({
        entries: [{ at: CHANGED, who: 'ada', what: 'goal_added', site: 'example.com', subject: 'Order' }],
      });
    if (url.pathname === '/api/people/invitations') return ok({ path: '/welcome/0123456789abcdef' });
    if (/^\/api\/people\/\d+\/reset$/.test(url.pathname)) return ok({ path: '/welcome/fedcba9876543210' });
    if (url.pathname.startsWith('/api/people/')) return ok({});
    if (url.pathname === '/api/v2/changes') {
      const row = (dimension: string, value: string, now: number, before: number) => ({
        dimension,
        value,
        now,
        before,
        difference: now - before,
      });
      const contributors = [
        row('visit:country', 'JP', 4539, 4087),
        row('visit:source', 'Google', 2443, 2256),
        row('event:page', '/pricing', 2096, 1904),
        row('visit:device', 'tablet', 310, 402),
      ];
      return ok({ total: { now: 7064, before: 6485 }, contributors, meta: {} });
    }
    if (url.pathname === '/api/v2/funnel')
      return ok(funnel(given.steps.length, given.dimensions?.length > 0));
    const [, kind = '', id] = /^\/api\/sites\/[^/]+\/([a-z-]+)(?:\/(.+))?$/.exec(url.pathname) ?? [];
    if (kind === 'suggestions') {
      const goal = { name: 'Signup', achieved_by: { kind: 'event', name: 'Signup', props: {} } };
      const path = { name: '/ → /pricing', order: 'loose', steps: [step('/'), step('/pricing')] };
      return ok({ goals: [{ value: goal, visits: 312 }], funnels: [{ value: path, visits: 95 }] });
    }
    if (kind === 'goals' && id === 'preview')
      return ok({ days: 30, visitors: 212, conversions: 240, conversion_rate: 2.31, revenue: null });
    if (kind === 'letters')
      return ok({ subject: 'example.com: 2,412 visitors', text: 'example.com\nVisitors: 2,412\n' });
    const lists: Record<string, [string, unknown[]]> = {
      keys: ['keys', keys],
      links: ['links', links],
      subscriptions: ['items', subscriptions],
    };
    const list = lists[kind];
    if (list) {
      if (method === 'GET') return ok({ [list[0]]: list[1], mail: true });
      if (method === 'DELETE') {
        list[1].splice(
          list[1].findIndex((one) => String((one as { id: number }).id) === id),
          1,
        );
        return ok({});
      }
      const made = { created: CHANGED, created_by: 'ada', ...given, id: next++ };
      list[1].push({
        scopes: ['query'],
        used: null,
        confirmed: false,
        has_password: !!given.password,
        ...made,
      });
      return ok({ id: made.id, key: 'sk_0123456789abcdef', path: '/share/0123456789abcdef' }, 201);
    }
    const items = objects.get(kind);
    if (!items) return null;
    if (method === 'GET') return ok({ items });
    if (method === 'POST') {
      if (given.name === 'taken') return ok({ error: 'that name is taken' }, 409);
      const item = add(kind, given, url.search === '?own');
      return ok({ id: item.id, version: 1 }, 201);
    }
    const index = items.findIndex((item) => String(item.id) === id);
    const item = items[index];
    if (!item) return ok({ error: 'it no longer exists' }, 404);
    if (method === 'DELETE') items.splice(index, 1);
    else {
      item.value = given.value;
      item.version += 1;
    }
    return ok({ id: item.id, version: item.version });
  };
}

function funnel(steps: number, isSplit: boolean): unknown {
  const row = (name: string | null, first: number) => ({
    dimensions: name === null ? [] : [name],
    visits: first * 3,
    steps: Array.from({ length: steps }, (_, i) => {
      const visits = Math.round(first / (i + 1));
      const before = i === 0 ? first * 3 : Math.round(first / i);
      return {
        name: `/step-${i + 1}`,
        visits,
        dropped: before - visits,
        step_rate: Math.round((visits / before) * 1000) / 10,
        conversion_rate: Math.round((visits / first) * 1000) / 10,
      };
    }),
  });
  return {
    results: isSplit ? [row('Google', 900), row('Bing', 120)] : [row(null, 1020)],
    meta: {},
    query: {},
  };
}
