/**
 * Gives the components of a part their texts, which they call `w` beside the page's own `t`. A part
 * is drawn once its texts are loaded.
 */
import { type ComponentChildren, createContext, type JSX } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { loadPart, type Part } from '../i18n/part.ts';
import type { TranslateOf } from '../i18n/translate.ts';
import { useApp } from './context.ts';

/** `Texts` loads the texts and provides them; `useTexts` reads them inside of it. */
export function createTexts<K extends string>(part: Part<K>) {
  const Context = createContext<TranslateOf<K> | null>(null);

  function Texts(props: { loading?: JSX.Element; children: ComponentChildren }) {
    const texts = useLoaded(part);
    if (!texts) return props.loading ?? null;
    return <Context.Provider value={texts}>{props.children}</Context.Provider>;
  }

  function useTexts(): TranslateOf<K> {
    const texts = useContext(Context);
    if (!texts) throw new Error('useTexts outside of its Texts');
    return texts;
  }

  return { Texts, useTexts };
}

/** The texts in the reader's language; after a change of language the old ones stay until then. */
function useLoaded<K extends string>(part: Part<K>): TranslateOf<K> | null {
  const { locale } = useApp();
  const [loaded, setLoaded] = useState<{ texts: TranslateOf<K> } | null>(null);
  useEffect(() => {
    let isWanted = true;
    const set = (texts: TranslateOf<K>) => {
      if (isWanted) setLoaded({ texts });
    };
    // A language that cannot be fetched must not hide the part: English came with it.
    loadPart(part, locale).then(set, () => loadPart(part, 'en').then(set));
    return () => {
      isWanted = false;
    };
  }, [part, locale]);
  return loaded?.texts ?? null;
}
