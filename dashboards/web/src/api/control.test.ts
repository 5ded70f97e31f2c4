import { expect, it } from 'vitest';
import { createControl, type Me, roleOn } from './control.ts';

const ME: Me = { id: 1, name: 'ada', roles: { 'a.example': 'viewer' }, second_factor: false, csrf: 'token' };

function server(answers: Record<string, [number, unknown]>) {
  const asked: { line: string; csrf: string | null; body: unknown }[] = [];
  const fetchFn = async (input: RequestInfo | URL, init?: RequestInit) => {
    const line = `${init?.method} ${input}`;
    const headers = new Headers(init?.headers);
    asked.push({
      line,
      csrf: headers.get('x-sillage-csrf'),
      body: init?.body && JSON.parse(String(init.body)),
    });
    const [status, body] = answers[line] ?? [404, {}];
    return new Response(JSON.stringify(body), { status });
  };
  return { asked, control: createControl(fetchFn as typeof fetch) };
}

it('changes carry the CSRF token, which is requested once', async () => {
  const { asked, control } = server({
    'GET /api/me': [200, ME],
    'POST /api/sites/a%20b/goals': [201, { id: 7, version: 1 }],
    'DELETE /api/sites/a%20b/goals/7?version=1': [200, { id: 7 }],
  });
  expect(await control.add('a b', 'goals', { name: 'x' })).toEqual({
    ok: true,
    value: { id: 7, version: 1 },
  });
  expect((await control.remove('a b', 'goals', { id: 7, version: 1 })).ok).toBe(true);
  expect(asked.map(({ line }) => line)).toEqual([
    'GET /api/me',
    'POST /api/sites/a%20b/goals',
    'DELETE /api/sites/a%20b/goals/7?version=1',
  ]);
  expect(asked[1]).toMatchObject({ csrf: 'token', body: { name: 'x' } });
});

it('a refusal carries the rule and the current version', async () => {
  const current = { id: 7, version: 2, value: {}, own: false, changed: '', changed_by: 'bob' };
  const { control } = server({
    'GET /api/me': [200, ME],
    'PUT /api/sites/a/goals/7': [409, { error: 'changed meanwhile', current }],
  });
  expect(await control.change('a', 'goals', { id: 7, version: 1 }, {})).toEqual({
    ok: false,
    refusal: { status: 409, message: 'changed meanwhile', current },
  });
});

it('nothing is sent without a log-in; no answer has status 0', async () => {
  const { asked, control } = server({ 'GET /api/me': [401, { error: 'log in' }] });
  expect(await control.add('a', 'goals', {})).toMatchObject({ ok: false, refusal: { status: 401 } });
  expect(asked.length).toBe(1);
  const gone = createControl((() => Promise.reject(new TypeError('gone'))) as typeof fetch);
  expect(await gone.list('a', 'goals')).toEqual({ ok: false, refusal: { status: 0, message: '' } });
});

it('the higher of two roles applies', () => {
  expect(roleOn(ME, 'a.example')).toBe('viewer');
  expect(roleOn({ ...ME, roles: { ...ME.roles, '*': 'owner' } }, 'a.example')).toBe('owner');
  expect(roleOn(ME, 'b.example')).toBe(null);
  expect(roleOn(null, 'a.example')).toBe(null);
});
