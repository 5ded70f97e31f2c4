/** The components that the sections share. */
import type { ComponentChildren, RefObject } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ControlAnswer, Refusal } from '../api/control.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';
import { useManage } from './context.ts';

/**
 * Shows an answer once it is loaded; until then a placeholder, and on failure a button to retry.
 */
export function Answered<T>(props: {
  answer: ControlAnswer<T> | null;
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

/** Why the server refused a form. */
export function Refused({ refusal }: { refusal: Refusal | null }) {
  const { t } = useApp();
  if (!refusal) return null;
  return (
    <p class="is-bad" role="alert">
      {refusalText(refusal, t)}
    </p>
  );
}

/** Another person saved a change first. */
export function Conflict({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p class="notice is-trouble" role="alert">
      {text}
    </p>
  );
}

/** Focuses the first field of a form that was just opened, before paint, so that no key is lost. */
export function useFirstField(): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current?.querySelector('input')?.focus(), []);
  return form;
}

export function Field(props: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label class="field">
      <span>{props.label}</span>
      {props.children}
    </label>
  );
}

/** One object of a list: name, description, buttons. */
export function Line(props: { name: string; description: ComponentChildren; children?: ComponentChildren }) {
  return (
    <li class="manage-line" data-name={props.name}>
      <span class="manage-name">
        <strong>{props.name}</strong>
        <span class="muted"> {props.description}</span>
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

/** A button that asks for confirmation in a dialog. */
export function RemoveButton({ name, onConfirm }: { name: string; onConfirm: () => void }) {
  const { w } = useManage();
  const [isOpen, setOpen] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  return (
    <>
      <button
        type="button"
        class="button is-quiet"
        aria-label={w('remove', { name })}
        onClick={() => setOpen(true)}
      >
        {w('remove.yes')}
      </button>
      {isOpen && (
        <dialog ref={dialog} class="dialog is-small" aria-labelledby={id} onClose={() => setOpen(false)}>
          <h2 id={id}>{w('remove.sure', { name })}</h2>
          <p>{w('remove.text')}</p>
          <form method="dialog" class="dialog-actions">
            <button type="submit" class="button">
              {w('cancel')}
            </button>
            <button type="submit" class="button is-main" data-testid="sure" onClick={onConfirm}>
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
    // Without clipboard access the selected text can be copied by keyboard.
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
