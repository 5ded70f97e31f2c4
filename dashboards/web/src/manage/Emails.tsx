/** E-mail subscriptions: the existing ones, a form for a new one, and a preview of a summary. */
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

export function Emails() {
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
                description={
                  <>
                    {w(`email.${one.every ?? 'alert'}`)}
                    {!one.confirmed && `; ${w('email.waits')}`}
                    {one.trouble && <span class="is-bad"> {one.trouble}</span>}
                  </>
                }
              >
                <RemoveButton name={one.to} onConfirm={() => void revoke({ id: one.id, name: one.to })} />
              </Line>
            ))}
          </Lines>
          <Refused refusal={refusal} />
          {mail ? <NewSubscription path={path} onDone={reload} /> : <p class="notice">{w('email.off')}</p>}
        </>
      )}
    </Answered>
  );
}

function NewSubscription({ path, onDone }: { path: string; onDone: () => Promise<void> }) {
  const { locale } = useApp();
  const { control, site, w, announce } = useManage();
  const [topic, setTopic] = useState<Topic>('week');
  const [language, setLanguage] = useState(LOCALES.find((one) => one === locale) ?? 'en');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [preview, setPreview] = useState<{ subject: string; text: string } | null>(null);
  async function subscribe(form: HTMLFormElement): Promise<void> {
    const to = String(new FormData(form).get('to')).trim();
    const what = topic === 'alert' ? { kind: 'alert' } : { kind: 'summary', every: topic };
    const answer = await control.send('POST', path, { ...what, to, language });
    setRefusal(answer.ok ? null : answer.refusal);
    if (!answer.ok) return;
    announce(w('email.asked', { to }));
    form.reset();
    await onDone();
  }
  async function loadPreview(): Promise<void> {
    const where = `${control.of(site, 'letters')}/${topic}?language=${language}`;
    const answer = await control.send<{ subject: string; text: string }>('GET', where);
    setPreview(answer.ok ? answer.value : null);
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
      <h3>{w('email.new')}</h3>
      <Field label={w('email.what')}>
        <select value={topic} onChange={(event) => setTopic(event.currentTarget.value as Topic)}>
          {TOPICS.map((one) => (
            <option key={one} value={one}>
              {w(`email.${one}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={w('email.to')}>
        <input type="email" name="to" required maxLength={254} autocomplete="email" />
      </Field>
      <Field label={w('email.language')}>
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
        <button type="button" class="button" disabled={topic === 'alert'} onClick={() => void loadPreview()}>
          {w('email.preview')}
        </button>
        <button type="submit" class="button is-main">
          {w('add')}
        </button>
      </div>
      {preview && (
        <article class="email-preview" lang={language} data-testid="email-preview">
          <h4>{preview.subject}</h4>
          <pre>{preview.text}</pre>
        </article>
      )}
    </form>
  );
}
