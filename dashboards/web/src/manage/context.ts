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
import type { TranslateOf } from '../i18n/translate.ts';
import type { WordFiles } from '../i18n/words.ts';
import { useApp } from '../shell/context.ts';
import { refusalText } from '../shell/refusal.ts';
import { en, type Key } from './words.en.ts';

export const WORDS: WordFiles<Key> = {
  en,
  ja: async () => (await import('./words.ja.ts')).ja,
  de: async () => (await import('./words.de.ts')).de,
};

export type Manage = {
  control: Control;
  site: string;
  me: Me;
  role: Role | null;
  w: TranslateOf<Key>;
  /** Says what was done, to the eye and the ear. */
  tell: (text: string) => void;
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
  const { control, site, role, w, tell, spoil } = useManage();
  const { t } = useApp();
  const { answer, reload } = useRead<{ items: Kept<T>[] }>(control.of(site, kind));
  const list: Told<Kept<T>[]> | null = answer?.ok ? { ok: true, value: answer.value.items } : answer;
  const done = async (text: string) => {
    spoil();
    tell(text);
    await reload();
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
