import { describe, expect, it } from 'vitest';
import { createClient, readBoot } from './client.ts';

const never = new AbortController().signal;
const replying = (status: number, body: unknown) =>
  createClient(async () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }));
const query = { site_id: 'a', metrics: ['visitors' as const], date_range: 'all' };

describe('the client', () => {
  it('one refused query of a batch does not affect the others', async () => {
    const good = { results: [{ metrics: [1], dimensions: [] }], meta: {}, query: {} };
    const client = replying(200, {
      results: [
        { status: 200, body: good },
        { status: 400, body: { error: 'Invalid metric' } },
      ],
    });
    expect(await client.batch([query, query, query], never)).toEqual({
      ok: true,
      value: [
        { ok: true, value: good },
        { ok: false, failure: { kind: 'refused', message: 'Invalid metric' } },
        { ok: false, failure: { kind: 'server', status: 502 } },
      ],
    });
  });
  it('reads amounts of money as numbers', async () => {
    const row = {
      metrics: [2, { value: 19.5, currency: 'EUR', short: '€19.5' }, null],
      dimensions: ['Order'],
    };
    const answer = { status: 200, body: { results: [row], meta: {}, query: {} } };
    const read = await replying(200, { results: [answer] }).batch([query], never);
    expect(read).toMatchObject({
      ok: true,
      value: [{ ok: true, value: { results: [{ metrics: [2, 19.5, null], dimensions: ['Order'] }] } }],
    });
  });
  it('distinguishes an ended session from a server error', async () => {
    expect(await replying(401, {}).query(query, never)).toEqual({
      ok: false,
      failure: { kind: 'signed-out' },
    });
    expect(await replying(503, 'busy').query(query, never)).toEqual({
      ok: false,
      failure: { kind: 'server', status: 503 },
    });
  });
  it('treats an HTML page with status 200 as a failure', async () => {
    expect((await replying(200, '<html>').query(query, never)).ok).toBe(false);
  });
  it('reports a missing network as offline', async () => {
    const client = createClient(async () => {
      throw new TypeError('failed to fetch');
    });
    expect(await client.live('a')).toEqual({ ok: false, failure: { kind: 'offline' } });
  });
});

describe('the data embedded in the page', () => {
  it('is read, and is null if missing or broken', () => {
    expect(readBoot('{"sites":[],"demo":true,"version":"1"}')).toEqual({
      sites: [],
      demo: true,
      version: '1',
    });
    for (const text of [null, '', '{', '[]', '{"sites":3}']) expect(readBoot(text)).toBeNull();
  });
});
