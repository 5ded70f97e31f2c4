/** Letters: one's own subscriptions, a new one, and what a summary looks like. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/control.ts';
import { LOCALE_NAMES, LOCALES } from '../i18n/translate.ts';
import { useApp } from '../ui/context.ts';
import { useManage, useRevocable } from './context.ts';
import { Answered, Field, Line, Lines, Refused, RemoveButton } from './parts.tsx';

const TOPICS = ['day', 'week', 'month', 'alert'] as const;
type Topic = (typeof TOPICS)[number];
type Subscription = {
  id: number;
  kind: 'summary' | 'alert';
  every: Exclude<Topic, 'alert'> | null;
  to: string;
  language: string;
  confirmed: boolean;
  trouble: string | null;
};

export function Letters() {
  const { control, site, w } = useManage();
  const path = control.of(site, 'subscriptions');
  const { answer, reload, refusal, revoke } = useRevocable<{ items: Subscription[]; mail: boolean }, unknown>(
    path,
  );
  return (
    <Answered answer={answer} reload={reload}>
      {({ items, mail }) => (
        <>
          <Lines isEmpty={items.length === 0}>
            {items.map((one) => (
              <Line
                key={one.id}
                name={one.to}
                says={
                  <>
                    {w(`letter.${one.every ?? 'alert'}`)}
                    {!one.confirmed && `; ${w('letter.waits')}`}
                    {one.trouble && <span class="is-bad"> {one.trouble}</span>}
                  </>
                }
              >
                <RemoveButton name={one.to} onSure={() => void revoke({ id: one.id, name: one.to })} />
              </Line>
            ))}
          </Lines>
          <Refused refusal={refusal} />
          {mail ? <NewLetter path={path} onDone={reload} /> : <p class="notice">{w('letter.off')}</p>}
        </>
      )}
    </Answered>
  );
}

function NewLetter({ path, onDone }: { path: string; onDone: () => Promise<void> }) {
  const { locale } = useApp();
  const { control, site, w, tell } = useManage();
  const [topic, setTopic] = useState<Topic>('week');
  const [language, setLanguage] = useState(LOCALES.find((one) => one === locale) ?? 'en');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [letter, setLetter] = useState<{ subject: string; text: string } | null>(null);
  async function subscribe(form: HTMLFormElement): Promise<void> {
    const to = String(new FormData(form).get('to')).trim();
    const what = topic === 'alert' ? { kind: 'alert' } : { kind: 'summary', every: topic };
    const answer = await control.send('POST', path, { ...what, to, language });
    setRefusal(answer.ok ? null : answer.refusal);
    if (!answer.ok) return;
    tell(w('letter.asked', { to }));
    form.reset();
    await onDone();
  }
  async function look(): Promise<void> {
    const where = `${control.of(site, 'letters')}/${topic}?language=${language}`;
    const answer = await control.send<{ subject: string; text: string }>('GET', where);
    setLetter(answer.ok ? answer.value : null);
    setRefusal(answer.ok ? null : answer.refusal);
  }
  return (
    <form
      class="manage-form"
      onSubmit={(event) => {
        event.preventDefault();
        void subscribe(event.currentTarget);
      }}
    >
      <h3>{w('letter.new')}</h3>
      <Field label={w('letter.what')}>
        <select value={topic} onChange={(event) => setTopic(event.currentTarget.value as Topic)}>
          {TOPICS.map((one) => (
            <option key={one} value={one}>
              {w(`letter.${one}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={w('letter.to')}>
        <input type="email" name="to" required maxLength={254} autocomplete="email" />
      </Field>
      <Field label={w('letter.language')}>
        <select
          value={language}
          onChange={(event) => setLanguage(LOCALES.find((one) => one === event.currentTarget.value) ?? 'en')}
        >
          {LOCALES.map((one) => (
            <option key={one} value={one} lang={one}>
              {LOCALE_NAMES[one]}
            </option>
          ))}
        </select>
      </Field>
      <Refused refusal={refusal} />
      <div class="dialog-actions">
        <button type="button" class="button" disabled={topic === 'alert'} onClick={() => void look()}>
          {w('letter.preview')}
        </button>
        <button type="submit" class="button is-main">
          {w('add')}
        </button>
      </div>
      {letter && (
        <article class="letter" lang={language} data-testid="letter">
          <h4>{letter.subject}</h4>
          <pre>{letter.text}</pre>
        </article>
      )}
    </form>
  );
}
