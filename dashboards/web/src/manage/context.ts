/** What the sections share: account, site, texts, and how they report what was done. */
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import {
  type Control,
  type ControlAnswer,
  type Me,
  mayEdit,
  type Refusal,
  type Role,
  type SiteObject,
} from '../api/control.ts';
import type { Key } from '../i18n/parts/manage.en.ts';
import type { TranslateOf } from '../i18n/translate.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';

export type Manage = {
  control: Control;
  site: string;
  me: Me;
  role: Role | null;
  /** The texts of this part, as `t` is the texts of the page. */
  w: TranslateOf<Key>;
  /** Reports what was done, to screen readers as well. */
  announce: (text: string) => void;
  /** Focuses the section's heading, for when the focused element is gone. */
  focusHeading: () => void;
  /** The dashboard's copy of goals and notes is out of date and has to be loaded again. */
  markNumbersStale: () => void;
};

export const ManageContext = createContext<Manage | null>(null);

export function useManage(): Manage {
  const manage = useContext(ManageContext);
  if (!manage) throw new Error('useManage outside of ManageContext');
  return manage;
}

export type Read<T> = {
  /** `null` while it is loading. */
  answer: ControlAnswer<T> | null;
  reload: () => Promise<void>;
};

/** Reads a resource of the control API. `reload` reads it again after a change. */
export function useRead<T>(path: string): Read<T> {
  const { control } = useManage();
  const [answer, setAnswer] = useState<ControlAnswer<T> | null>(null);
  const reload = useCallback(async () => setAnswer(await control.send<T>('GET', path)), [control, path]);
  useEffect(() => {
    void reload();
  }, [reload]);
  return { answer, reload };
}

export type SiteObjectList<T> = {
  answer: ControlAnswer<SiteObject<T>[]> | null;
  reload: () => Promise<void>;
  mayEdit: boolean;
  /** Saves a value, new or in place of `old`. Returns why it was refused, or `null`. */
  save: (value: T, old: SiteObject<T> | null, name: string) => Promise<Refusal | null>;
  remove: (old: SiteObject<T>, name: string) => Promise<void>;
};

/** A site's objects of one kind: goals, funnels, notes, saved filters. */
export function useSiteObjects<T>(kind: string): SiteObjectList<T> {
  const { control, site, role, w, announce, focusHeading, markNumbersStale } = useManage();
  const { t } = useApp();
  const { answer, reload } = useRead<{ items: SiteObject<T>[] }>(control.of(site, kind));
  const list: ControlAnswer<SiteObject<T>[]> | null = answer?.ok
    ? { ok: true, value: answer.value.items }
    : answer;
  const done = async (text: string) => {
    markNumbersStale();
    await reload();
    announce(text);
    focusHeading();
  };
  return {
    answer: list,
    reload,
    mayEdit: mayEdit(role),
    async save(value, old, name) {
      const saved = old ? await control.change(site, kind, old, value) : await control.add(site, kind, value);
      if (!saved.ok) return saved.refusal;
      await done(w('saved', { name }));
      return null;
    },
    async remove(old, name) {
      const removed = await control.remove(site, kind, old);
      if (removed.ok) return done(w('removed', { name }));
      announce(refusalText(removed.refusal, t));
      await reload();
    },
  };
}

export type Editing<T> = {
  /** The object in the form (`old` is `null` for a new one); `null` while the form is closed. */
  open: { old: SiteObject<T> | null } | null;
  /** Describes what another person saved in the meantime. */
  conflict: string | null;
  begin: (old: SiteObject<T> | null) => void;
  end: () => void;
  /**
   * Returns a refusal for the form to show. A conflict is shown, and saving again overwrites it.
   */
  save: (value: T, name: string) => Promise<Refusal | null>;
};

/** The form of one object, new or existing. */
export function useEditing<T>(list: SiteObjectList<T>, describe: (value: T) => string): Editing<T> {
  const { w, focusHeading } = useManage();
  const [open, setOpen] = useState<Editing<T>['open']>(null);
  const [conflict, setConflict] = useState<string | null>(null);
  const set = (next: Editing<T>['open']) => {
    setConflict(null);
    setOpen(next);
  };
  return {
    open,
    conflict,
    begin: (old) => set({ old }),
    end: () => {
      set(null);
      focusHeading();
    },
    async save(value, name) {
      const refusal = await list.save(value, open?.old ?? null, name);
      if (!refusal) set(null);
      if (!refusal?.current) return refusal;
      const current = refusal.current as SiteObject<T>;
      setConflict(w('conflict', { who: current.changed_by, what: describe(current.value) }));
      setOpen({ old: current });
      return null;
    },
  };
}

/** Things that are created and revoked but never changed: API keys, links, e-mail subscriptions. */
export function useRevocable<List, Made>(path: string) {
  const { control, w, announce, focusHeading } = useManage();
  const { answer, reload } = useRead<List>(path);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  return {
    answer,
    reload,
    refusal,
    async add(body: unknown): Promise<Made | null> {
      const added = await control.send<Made>('POST', path, body);
      setRefusal(added.ok ? null : added.refusal);
      if (added.ok) await reload();
      return added.ok ? added.value : null;
    },
    async revoke({ id, name }: { id: number; name: string }): Promise<void> {
      const revoked = await control.send('DELETE', `${path}/${id}`);
      setRefusal(revoked.ok ? null : revoked.refusal);
      await reload();
      if (revoked.ok) announce(w('removed', { name }));
      focusHeading();
    },
  };
}
