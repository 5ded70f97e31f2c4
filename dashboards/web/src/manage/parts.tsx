/** The few parts that all sections are made of. */
import type { ComponentChildren, RefObject } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Refusal, Told } from '../api/control.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';
import { useManage } from './context.ts';

/** What was read, once it is there; else that it is on its way, or why it did not come and how to try again. */
export function Answered<T>(props: {
  answer: Told<T> | null;
  reload: () => Promise<void>;
  children: (value: T) => ComponentChildren;
}) {
  const { t } = useApp();
  const { w } = useManage();
  const { answer } = props;
  if (answer === null) {
    return (
      <div class="skeleton-rows" aria-busy="true">
        <span class="sr">{t('state.loading')}</span>
        <div class="skeleton" />
        <div class="skeleton" />
      </div>
    );
  }
  if (answer.ok) return <>{props.children(answer.value)}</>;
  if (answer.refusal.status === 403) return <p class="panel-message muted">{w('denied')}</p>;
  return (
    <div class="panel-message" role="alert">
      <p>{refusalText(answer.refusal, t)}</p>
      <button type="button" class="button" onClick={() => void props.reload()}>
        {t('error.retry')}
      </button>
    </div>
  );
}

/** Why a form was not taken. */
export function Refused({ refusal }: { refusal: Refusal | null }) {
  const { t } = useApp();
  if (!refusal) return null;
  return (
    <p class="is-bad" role="alert">
      {refusalText(refusal, t)}
    </p>
  );
}

/** That somebody else was first. */
export function Conflict({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p class="notice is-trouble" role="alert">
      {text}
    </p>
  );
}

/** A form that was just opened is where one goes on: before it is painted, so that no key is typed past it. */
export function useFirstField(): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current?.querySelector('input')?.focus(), []);
  return form;
}

export function Field(props: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is what it is given
    <label class="field">
      <span>{props.label}</span>
      {props.children}
    </label>
  );
}

/** A line of a list: what it is called, what it says, what can be done with it. */
export function Line(props: { name: string; says: ComponentChildren; children?: ComponentChildren }) {
  return (
    <li class="manage-line" data-name={props.name}>
      <span class="manage-name">
        <strong>{props.name}</strong>
        <span class="muted"> {props.says}</span>
      </span>
      <span class="manage-actions">{props.children}</span>
    </li>
  );
}

export function Lines(props: { isEmpty: boolean; children: ComponentChildren }) {
  const { w } = useManage();
  if (props.isEmpty) return <p class="panel-message muted">{w('none')}</p>;
  return <ul class="manage-lines">{props.children}</ul>;
}

/** A button that asks again, in a dialog of the browser's own kind. */
export function RemoveButton({ name, onSure }: { name: string; onSure: () => void }) {
  const { w } = useManage();
  const [isAsked, setAsked] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    if (isAsked) dialog.current?.showModal();
  }, [isAsked]);
  return (
    <>
      <button
        type="button"
        class="button is-quiet"
        aria-label={w('remove', { name })}
        onClick={() => setAsked(true)}
      >
        {w('remove.yes')}
      </button>
      {isAsked && (
        <dialog ref={dialog} class="dialog is-small" aria-labelledby={id} onClose={() => setAsked(false)}>
          <h2 id={id}>{w('remove.sure', { name })}</h2>
          <p>{w('remove.text')}</p>
          <form method="dialog" class="dialog-actions">
            <button type="submit" class="button">
              {w('cancel')}
            </button>
            <button type="submit" class="button is-main" data-testid="sure" onClick={onSure}>
              {w('remove.yes')}
            </button>
          </form>
        </dialog>
      )}
    </>
  );
}

/** A secret that is shown once, ready to be copied. */
export function Secret({ label, text }: { label: string; text: string }) {
  const { w } = useManage();
  const [isCopied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    field.current?.select();
    // Where the clipboard is forbidden, the text is selected for the keyboard.
    await navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <div class="secret" role="status">
      <p>{label}</p>
      <div class="secret-row">
        <input ref={field} readOnly value={text} aria-label={label} data-testid="secret" />
        <button type="button" class="button" onClick={() => void copy()}>
          {w(isCopied ? 'copied' : 'copy')}
        </button>
      </div>
      <p class="muted">{w('once')}</p>
    </div>
  );
}
