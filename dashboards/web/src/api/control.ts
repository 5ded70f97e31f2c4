/**
 * What people keep and who they are: the JSON routes beside the reports (`docs/control.md`). Every
 * change carries the token of `GET /api/me`. A refusal keeps the server's own words, which say
 * which rule was broken.
 */
export type Role = 'viewer' | 'editor' | 'owner';
export type Me = {
  id: number;
  name: string;
  /** By site, `*` for every one. */
  roles: Record<string, Role>;
  second_factor: boolean;
  csrf: string;
};

export type Kept<T> = {
  id: number;
  version: number;
  value: T;
  own: boolean;
  changed: string;
  changed_by: string;
};

/** `status` 0: nobody answered. `current`: what somebody else made of it meanwhile. */
export type Refusal = { status: number; message: string; current?: Kept<unknown> };
export type Told<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export type Control = ReturnType<typeof createControl>;

const TIMEOUT_MS = 20_000;

export function createControl(fetchFn: typeof fetch = (input, init) => fetch(input, init)) {
  let known: Promise<Told<Me>> | null = null;

  async function send<T>(method: string, path: string, body?: unknown): Promise<Told<T>> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (method !== 'GET') {
      const token = await me();
      if (!token.ok) return token;
      headers['x-sillage-csrf'] = token.value.csrf;
    }
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      const response = await fetchFn(path, {
        method,
        headers,
        credentials: 'same-origin',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = (await response.json().catch(() => ({}))) as { error?: string; current?: Kept<unknown> };
      if (response.ok) return { ok: true, value: answer as T };
      const { error = '', current } = answer;
      return {
        ok: false,
        refusal: { status: response.status, message: error, ...(current ? { current } : {}) },
      };
    } catch {
      return { ok: false, refusal: { status: 0, message: '' } };
    }
  }

  /** Who is logged in; asked once, and again after a failure. */
  async function me(): Promise<Told<Me>> {
    known ??= send<Me>('GET', '/api/me');
    const answer = await known;
    if (!answer.ok) known = null;
    return answer;
  }

  const of = (site: string, kind: string) => `/api/sites/${encodeURIComponent(site)}/${kind}`;
  return {
    me,
    send,
    /** The address of something of a site. */
    of,
    async list<T>(site: string, kind: string): Promise<Told<Kept<T>[]>> {
      const answer = await send<{ items: Kept<T>[] }>('GET', of(site, kind));
      return answer.ok ? { ok: true, value: answer.value.items } : answer;
    },
    add: (site: string, kind: string, value: unknown, isOwn = false) =>
      send<{ id: number; version: number }>('POST', `${of(site, kind)}${isOwn ? '?own' : ''}`, value),
    change: (site: string, kind: string, kept: { id: number; version: number }, value: unknown) =>
      send<{ id: number; version: number }>('PUT', `${of(site, kind)}/${kept.id}`, {
        version: kept.version,
        value,
      }),
    remove: (site: string, kind: string, kept: { id: number; version: number }) =>
      send<{ id: number }>('DELETE', `${of(site, kind)}/${kept.id}?version=${kept.version}`),
  };
}

/** What somebody may do on a site; `null`: nothing, or nobody is logged in. */
export function roleOn(me: Me | null, site: string): Role | null {
  const order: Role[] = ['viewer', 'editor', 'owner'];
  const roles = [me?.roles[site], me?.roles['*']].filter((role) => role !== undefined);
  return roles.sort((a, b) => order.indexOf(b) - order.indexOf(a))[0] ?? null;
}

export const mayEdit = (role: Role | null): boolean => role === 'editor' || role === 'owner';
