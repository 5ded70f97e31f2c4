/**
 * The client of the control API (`docs/control.md`): people, and the objects a site keeps. Every
 * change carries the CSRF token of `GET /api/me`. A refusal carries the server's message, which
 * names the rule that was broken.
 */
export type Role = 'viewer' | 'editor' | 'owner';
export type Me = {
  id: number;
  name: string;
  /** By site id; `*` is every site. */
  roles: Record<string, Role>;
  second_factor: boolean;
  csrf: string;
};

/** An object that a site keeps: goal, funnel, note or saved filter. */
export type SiteObject<T> = {
  id: number;
  version: number;
  value: T;
  own: boolean;
  changed: string;
  changed_by: string;
};

/** `status` 0: no answer. `current`: the object as another person saved it in the meantime. */
export type Refusal = { status: number; message: string; current?: SiteObject<unknown> };
export type ControlAnswer<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export type Control = ReturnType<typeof createControl>;

const TIMEOUT_MS = 20_000;

export function createControl(fetchFn: typeof fetch = (input, init) => fetch(input, init)) {
  let known: Promise<ControlAnswer<Me>> | null = null;

  async function send<T>(method: string, path: string, body?: unknown): Promise<ControlAnswer<T>> {
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
      const answer = (await response.json().catch(() => ({}))) as {
        error?: string;
        current?: SiteObject<unknown>;
      };
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

  /** The account that is logged in. Asked once, and again after a failure. */
  async function me(): Promise<ControlAnswer<Me>> {
    known ??= send<Me>('GET', '/api/me');
    const answer = await known;
    if (!answer.ok) known = null;
    return answer;
  }

  const of = (site: string, kind: string) => `/api/sites/${encodeURIComponent(site)}/${kind}`;
  return {
    me,
    send,
    /** The path of a resource of a site. */
    of,
    async list<T>(site: string, kind: string): Promise<ControlAnswer<SiteObject<T>[]>> {
      const answer = await send<{ items: SiteObject<T>[] }>('GET', of(site, kind));
      return answer.ok ? { ok: true, value: answer.value.items } : answer;
    },
    add: (site: string, kind: string, value: unknown, isOwn = false) =>
      send<{ id: number; version: number }>('POST', `${of(site, kind)}${isOwn ? '?own' : ''}`, value),
    change: (site: string, kind: string, object: { id: number; version: number }, value: unknown) =>
      send<{ id: number; version: number }>('PUT', `${of(site, kind)}/${object.id}`, {
        version: object.version,
        value,
      }),
    remove: (site: string, kind: string, object: { id: number; version: number }) =>
      send<{ id: number }>('DELETE', `${of(site, kind)}/${object.id}?version=${object.version}`),
  };
}

/** The role of an account on a site; `null`: none, or not logged in. */
export function roleOn(me: Me | null, site: string): Role | null {
  const order: Role[] = ['viewer', 'editor', 'owner'];
  const roles = [me?.roles[site], me?.roles['*']].filter((role) => role !== undefined);
  return roles.sort((a, b) => order.indexOf(b) - order.indexOf(a))[0] ?? null;
}

export const mayEdit = (role: Role | null): boolean => role === 'editor' || role === 'owner';
