/**
 * The client of the statistics API. Every call has a time limit, and every failure is a case of
 * `ApiFailure`, for which the page has a text. Only an abort throws.
 */
import type {
  BatchItem,
  Boot,
  ChangesQuery,
  ChangesResponse,
  FunnelQuery,
  FunnelResponse,
  Quality,
  Query,
  QueryResponse,
  Site,
} from './types.ts';

/** Queries that the server accepts in one batch. */
export const BATCH_QUERIES_MAX = 32;
/** A call that takes longer fails as `timeout`. */
const TIMEOUT_MS = 20_000;

export type ApiFailure =
  | { kind: 'offline' }
  | { kind: 'timeout' }
  | { kind: 'signed-out' }
  | { kind: 'refused'; message: string }
  | { kind: 'server'; status: number };

export type Answer<T> = { ok: true; value: T } | { ok: false; failure: ApiFailure };

export type Client = {
  sites(): Promise<Answer<Boot>>;
  /** Answers in the order of `queries`. One query can fail without the others. */
  batch(queries: Query[], signal: AbortSignal): Promise<Answer<Answer<QueryResponse>[]>>;
  query(query: Query, signal: AbortSignal): Promise<Answer<QueryResponse>>;
  funnel(query: FunnelQuery, signal: AbortSignal): Promise<Answer<FunnelResponse>>;
  changes(query: ChangesQuery, signal: AbortSignal): Promise<Answer<ChangesResponse>>;
  live(site: string): Promise<Answer<number>>;
  quality(options: { site: string; from: string; to: string }): Promise<Answer<Quality>>;
  /** The script tag for the pages of a site, as `sillage snippet` prints it. */
  snippet(site: string, origin: string): Promise<Answer<string>>;
};

/** Readers of a shared link get no answer; the page works without it. */
const NOT_SHARED = { ok: false, failure: { kind: 'server', status: 403 } } as const;

/** `bearer` authenticates the page of a shared link. All others use the session cookie. */
export function createClient(
  fetchFn: typeof fetch = (input, init) => fetch(input, init),
  bearer: string | null = null,
): Client {
  async function call<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<Answer<T>> {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const response = await fetchFn(path, {
        ...init,
        credentials: 'same-origin',
        headers: {
          accept: 'application/json',
          ...(init.body ? { 'content-type': 'application/json' } : {}),
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        },
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      if (!response.ok) return { ok: false, failure: await failureOf(response) };
      return { ok: true, value: (await response.json()) as T };
    } catch (cause) {
      if (signal?.aborted) throw cause;
      return { ok: false, failure: { kind: limit.aborted ? 'timeout' : 'offline' } };
    }
  }
  const post = <T>(path: string, body: unknown, signal?: AbortSignal) =>
    call<T>(path, { method: 'POST', body: JSON.stringify(body) }, signal);

  return {
    async sites() {
      const answer = await call<Partial<Boot> & { sites: Site[] }>('/api/sites', {});
      if (!answer.ok) return answer;
      return { ok: true, value: { demo: false, version: '', ...answer.value } };
    },
    async batch(queries, signal) {
      const answer = await post<{ results: BatchItem[] }>('/api/v2/batch', { queries }, signal);
      if (!answer.ok) return answer;
      return { ok: true, value: queries.map((_, index) => unwrap(answer.value.results[index])) };
    },
    query: (query, signal) => post<QueryResponse>('/api/v2/query', query, signal),
    funnel: (query, signal) => post<FunnelResponse>('/api/v2/funnel', query, signal),
    changes: (query, signal) => post<ChangesResponse>('/api/v2/changes', query, signal),
    async live(site) {
      if (bearer) return NOT_SHARED;
      const answer = await call<{ visitors: number }>(`/api/live?${new URLSearchParams({ site })}`, {});
      return answer.ok ? { ok: true, value: answer.value.visitors } : answer;
    },
    async quality(options) {
      if (bearer) return NOT_SHARED;
      return call<Quality>(`/api/quality?${new URLSearchParams(options)}`, {});
    },
    async snippet(site, origin) {
      if (bearer) return NOT_SHARED;
      const path = `/api/sites/${encodeURIComponent(site)}/snippet?${new URLSearchParams({ origin })}`;
      const answer = await call<{ snippet: string }>(path, {});
      return answer.ok ? { ok: true, value: answer.value.snippet } : answer;
    },
  };
}

function unwrap(item: BatchItem | undefined): Answer<QueryResponse> {
  if (!item) return { ok: false, failure: { kind: 'server', status: 502 } };
  if ('results' in item.body && item.status === 200) return { ok: true, value: plain(item.body) };
  const message = 'error' in item.body ? String(item.body.error) : '';
  return { ok: false, failure: classify(item.status, message) };
}

/** Turns amounts of money into numbers. Their currency is known from the goal. */
function plain(response: QueryResponse): QueryResponse {
  const amount = (value: unknown) =>
    typeof value === 'object' && value !== null
      ? (value as { value: number }).value
      : (value as number | null);
  return {
    ...response,
    results: response.results.map((row) => ({ ...row, metrics: row.metrics.map(amount) })),
  };
}

async function failureOf(response: Response): Promise<ApiFailure> {
  let message = '';
  try {
    message = String(((await response.json()) as { error?: unknown }).error ?? '');
  } catch {
    // The body of an error may not be JSON; the status is enough.
  }
  return classify(response.status, message);
}

function classify(status: number, message: string): ApiFailure {
  if (status === 401) return { kind: 'signed-out' };
  if (status === 400) return { kind: 'refused', message };
  return { kind: 'server', status };
}

/** The data that the server embedded in the page; `null` if there is none. */
export function readBoot(text: string | null | undefined): Boot | null {
  if (!text) return null;
  try {
    const boot = JSON.parse(text) as Partial<Boot>;
    if (!Array.isArray(boot.sites)) return null;
    const link = typeof boot.link?.bearer === 'string' ? { link: boot.link } : {};
    return { sites: boot.sites, demo: boot.demo === true, version: boot.version ?? '', ...link };
  } catch {
    return null;
  }
}
