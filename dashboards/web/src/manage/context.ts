/** What the sections share: who is at it, on which site, in which words, and how the outcome is told. */
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import {
  type Control,
  type Kept,
  type Me,
  mayEdit,
  type Refusal,
  type Role,
  type Told,
} from '../api/control.ts';
import type { WordFiles } from '../i18n/part.ts';
import { en, type Key } from '../i18n/parts/manage.en.ts';
import type { TranslateOf } from '../i18n/translate.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';

export const WORDS: WordFiles<Key> = {
  en,
  ja: async () => (await import('../i18n/parts/manage.ja.ts')).ja,
  de: async () => (await import('../i18n/parts/manage.de.ts')).de,
};

export type Manage = {
  control: Control;
  site: string;
  me: Me;
  role: Role | null;
  w: TranslateOf<Key>;
  /** Says what was done, to the eye and the ear. */
  tell: (text: string) => void;
  /** Brings keyboard and screen reader to the section's name, when what they were on is gone. */
  toHeading: () => void;
  /** What the page of numbers knows of the site is not true any more. */
  spoil: () => void;
};

export const ManageContext = createContext<Manage | null>(null);

export function useManage(): Manage {
  const manage = useContext(ManageContext);
  if (!manage) throw new Error('useManage outside of ManageContext');
  return manage;
}

export type Read<T> = {
  /** `null` while it is on its way. */
  answer: Told<T> | null;
  reload: () => Promise<void>;
};

/** Reads something of the server, again whenever it was changed. */
export function useRead<T>(path: string): Read<T> {
  const { control } = useManage();
  const [answer, setAnswer] = useState<Told<T> | null>(null);
  const reload = useCallback(async () => setAnswer(await control.send<T>('GET', path)), [control, path]);
  useEffect(() => {
    void reload();
  }, [reload]);
  return { answer, reload };
}

export type KeptList<T> = {
  answer: Told<Kept<T>[]> | null;
  reload: () => Promise<void>;
  mayEdit: boolean;
  /** Keeps a value, new or in the place of `old`; answers what stood in the way. */
  save: (value: T, old: Kept<T> | null, name: string) => Promise<Refusal | null>;
  remove: (old: Kept<T>, name: string) => Promise<void>;
};

/** Things of one kind that a site keeps. */
export function useKept<T>(kind: string): KeptList<T> {
  const { control, site, role, w, tell, toHeading, spoil } = useManage();
  const { t } = useApp();
  const { answer, reload } = useRead<{ items: Kept<T>[] }>(control.of(site, kind));
  const list: Told<Kept<T>[]> | null = answer?.ok ? { ok: true, value: answer.value.items } : answer;
  const done = async (text: string) => {
    spoil();
    await reload();
    tell(text);
    toHeading();
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
      tell(refusalText(removed.refusal, t));
      await reload();
    },
  };
}

export type Editing<T> = {
  /** What is being changed, or a new one; `null` while nothing is. */
  open: { old: Kept<T> | null } | null;
  /** What somebody else saved meanwhile, worded. */
  conflict: string | null;
  begin: (old: Kept<T> | null) => void;
  end: () => void;
  /** Answers what the form has to say; a conflict is shown, and saving again replaces what it shows knowingly. */
  save: (value: T, name: string) => Promise<Refusal | null>;
};

/** One thing of a kind in a form, new or in the place of what is kept. */
export function useEditing<T>(list: KeptList<T>, describe: (value: T) => string): Editing<T> {
  const { w, toHeading } = useManage();
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
      toHeading();
    },
    async save(value, name) {
      const refusal = await list.save(value, open?.old ?? null, name);
      if (!refusal) set(null);
      if (!refusal?.current) return refusal;
      const current = refusal.current as Kept<T>;
      setConflict(w('conflict', { who: current.changed_by, what: describe(current.value) }));
      setOpen({ old: current });
      return null;
    },
  };
}

/** Things that only owners keep, which are made and revoked but not changed: keys, links. */
export function useRevocable<List, Made>(path: string) {
  const { control, w, tell, toHeading } = useManage();
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
      if (revoked.ok) tell(w('removed', { name }));
      toHeading();
    },
  };
}
