/**
 * The state of the page: the view (mirrored in the address), its plan of queries, and the answers.
 * A change of state sends at most one request. Answers that are still fresh are not asked for
 * again, and old numbers stay on screen until new ones arrive.
 */
import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Answer, ApiFailure, Client } from './api/client.ts';
import type { Boot, Quality, QueryResponse, Site } from './api/types.ts';
import { daysOf, type Plan, planBoard, planDetail, type Slot, seriesMetrics } from './query/plan.ts';
import { parseAddress, type View, writeAddress } from './state/address.ts';
import { wallClock } from './state/date.ts';
import { type Answers, type Known, known, mapKnown, readyValue } from './viewmodels/known.ts';
import { lateStart, type Series, seriesOf } from './viewmodels/series.ts';

/** An answer younger than this is not asked for again. */
const FRESH_MS = 10_000;
/** Answers kept for Back and Forward. */
const RECENT_MAX = 240;

export type Store = ReturnType<typeof createStore>;

/** What the store needs of the browser; tests pass their own. */
export type Environment = {
  search: () => string;
  push: (address: string) => void;
  replace: (address: string) => void;
  now: () => Date;
};

export function createStore(options: { boot: Boot; client: Client; environment: Environment }) {
  const { boot, client, environment } = options;
  const first = parseAddress(environment.search());
  const view = signal<View>(first.view);
  const ignored = signal<string[]>(first.ignored);
  const now = signal<Date>(environment.now());
  const answers = signal<Answers>(new Map());
  const trouble = signal<ApiFailure | null>(null);
  const fetchedAt = signal<Date | null>(null);
  const isLoading = signal(false);
  const live = signal<number | null>(null);
  const quality = signal<Quality | null>(null);

  const site: ReadonlySignal<Site | null> = computed(
    () => boot.sites.find((s) => s.id === view.value.site) ?? boot.sites[0] ?? null,
  );
  const goals = computed(() => site.value?.goals ?? []);
  const notes = computed(() => site.value?.notes ?? []);
  const unknownSite = computed(() => {
    const wanted = view.value.site;
    return wanted !== null && wanted !== site.value?.id ? wanted : null;
  });
  // Compared as text, so that signals downstream change only when the minute does.
  const clockText = computed(() => JSON.stringify(wallClock(now.value, site.value?.timezone ?? 'UTC')));
  const clock = computed(() => JSON.parse(clockText.value) as ReturnType<typeof wallClock>);
  const today = computed(() => clock.value.date);
  const days = computed(() => daysOf(view.value, clock.value));
  const plan = computed<Plan>(() => {
    if (!site.value) return [];
    const { id, timezone } = site.value;
    const given = { view: view.value, site: id, timezone, days: days.value, goals: goals.value };
    return [...planBoard(given), ...planDetail(given)];
  });
  const asked = computed(() => new Map(plan.value.map((p) => [p.slot, JSON.stringify(p.query)] as const)));

  const knownNow = (slot: Slot): Known<QueryResponse> =>
    known({ answers: answers.value, slot, asked: asked.value.get(slot), trouble: trouble.value });
  const series = computed<Known<Series>>(() => {
    const { metric } = view.value;
    const { range, before, interval } = days.value;
    const earlier = asked.value.has('series-before') ? readyValue(knownNow('series-before')) : null;
    return mapKnown(knownNow('series'), (response) =>
      seriesOf({
        metric,
        metrics: seriesMetrics(metric),
        interval,
        range,
        beforeRange: before,
        response,
        before: earlier,
        clock: clock.value,
      }),
    );
  });
  const countingBegan = computed(() => {
    const range = readyValue(knownNow('since'))?.query.date_range;
    return lateStart({ since: range?.[0].slice(0, 10) ?? null, before: days.value.before });
  });

  const recent = new Map<string, { answer: Answer<QueryResponse>; at: number }>();
  let running: AbortController | null = null;
  let shownSite: string | null = null;

  function remember(key: string, answer: Answer<QueryResponse>): void {
    recent.delete(key);
    if (answer.ok) recent.set(key, { answer, at: environment.now().getTime() });
    for (const oldest of recent.keys()) {
      if (recent.size <= RECENT_MAX) break;
      recent.delete(oldest);
    }
  }

  /** Asks for the answers that are missing or old; with `again`, for all. */
  async function load(again = false): Promise<void> {
    const wanted = plan.peek();
    const keys = asked.peek();
    const time = environment.now().getTime();
    const isOtherSite = shownSite !== (site.peek()?.id ?? null);
    shownSite = site.peek()?.id ?? null;
    const next = new Map(isOtherSite ? [] : answers.peek());
    const missing = wanted.filter(({ slot }) => {
      const key = keys.get(slot) ?? '';
      const found = recent.get(key);
      if (found) next.set(slot, { asked: key, answer: found.answer });
      // The day on which counting began does not change.
      if (found && slot === 'since') return false;
      return again || !found || time - found.at > FRESH_MS;
    });
    running?.abort();
    running = null;
    batch(() => {
      answers.value = next;
      isLoading.value = missing.length > 0;
      if (isOtherSite) {
        trouble.value = null;
        live.value = null;
        quality.value = null;
      }
    });
    if (missing.length === 0) return;
    const mine = new AbortController();
    running = mine;
    let answer: Awaited<ReturnType<Client['batch']>>;
    try {
      answer = await client.batch(
        missing.map((p) => p.query),
        mine.signal,
      );
    } catch (cause) {
      // Aborted: a newer request replaced this one.
      if (mine.signal.aborted) return;
      throw cause;
    }
    if (running !== mine) return;
    running = null;
    batch(() => {
      isLoading.value = false;
      if (!answer.ok) {
        trouble.value = answer.failure;
        return;
      }
      const merged = new Map(answers.peek());
      missing.forEach(({ slot }, i) => {
        const key = keys.get(slot) ?? '';
        const one = answer.value[i];
        if (!one) return;
        remember(key, one);
        merged.set(slot, { asked: key, answer: one });
      });
      trouble.value = null;
      fetchedAt.value = environment.now();
      answers.value = merged;
    });
  }

  // Compared as text: each minute makes a new plan, which is mostly the same.
  const planText = computed(() => JSON.stringify(plan.value));
  effect(() => {
    planText.value;
    void load();
  });

  const go = (patch: Partial<View>, how: 'push' | 'replace' = 'push'): void => {
    const next = { ...view.peek(), ...patch };
    const address = writeAddress(next);
    if (address === writeAddress(view.peek())) return;
    environment[how](address);
    batch(() => {
      ignored.value = [];
      view.value = next;
    });
  };

  return {
    boot,
    view: view as ReadonlySignal<View>,
    ignored,
    unknownSite,
    site,
    goals,
    notes,
    clock,
    today,
    days,
    plan,
    answers: answers as ReadonlySignal<Answers>,
    trouble: trouble as ReadonlySignal<ApiFailure | null>,
    fetchedAt: fetchedAt as ReadonlySignal<Date | null>,
    isLoading: isLoading as ReadonlySignal<boolean>,
    live: live as ReadonlySignal<number | null>,
    quality: quality as ReadonlySignal<Quality | null>,
    client,
    go,
    /** What is known about a slot. Reads signals, so that components that call it update. */
    known: knownNow,
    isPlanned: (slot: Slot): boolean => asked.value.has(slot),
    /**
     * An answer about the earlier period; `null` while unknown or if it cannot be compared with.
     */
    earlier: (slot: Slot): QueryResponse | null =>
      asked.value.has(slot) && countingBegan.value === null ? readyValue(knownNow(slot)) : null,
    hasEarlier: (): boolean => asked.value.has('totals-before') && countingBegan.value === null,
    series: series as ReadonlySignal<Known<Series>>,
    /** The day counting began, if that is too late in the earlier period to compare with it. */
    countingBegan: countingBegan as ReadonlySignal<string | null>,
    /** Back and Forward changed the address. */
    readAddress(): void {
      const read = parseAddress(environment.search());
      batch(() => {
        view.value = read.view;
        ignored.value = read.ignored;
      });
    },
    retry: (): void => void load(true),
    /**
     * Moves the clock on and fetches the numbers that can have changed. Resolves when the answers
     * have arrived.
     */
    async refresh(): Promise<void> {
      now.value = environment.now();
      const canChange = !isLoading.peek() && (days.peek().hasToday || trouble.peek());
      await Promise.all([canChange ? load(true) : null, readLiveAndQuality()]);
    },
    /** Live count and data quality, asked for separately so that they never delay the numbers. */
    readLiveAndQuality,
  };

  async function readLiveAndQuality(): Promise<void> {
    const id = site.peek()?.id;
    if (id) await Promise.all([readLive(id), readQuality(id)]);
  }

  async function readLive(id: string): Promise<void> {
    const answer = await client.live(id);
    if (site.peek()?.id === id) live.value = answer.ok ? answer.value : null;
  }

  async function readQuality(id: string): Promise<void> {
    const { range } = days.peek();
    const to = range?.to ?? today.peek();
    const answer = await client.quality({ site: id, from: range?.from ?? '2000-01-01', to });
    if (site.peek()?.id === id) quality.value = answer.ok ? answer.value : null;
  }
}
