/** The dialog of a list in full. The address holds whether it is open, so that Back closes it. */
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../ui/context.ts';
import { Lazy } from '../ui/lazy.tsx';

const loadBody = async () => (await import('./DetailBody.tsx')).DetailBody;

export function DetailDialog() {
  const { store } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const { detail } = store.view.value;
  const isOpen = detail !== null;
  const close = () => store.go({ detail: null });

  useEffect(() => {
    const element = dialog.current;
    if (isOpen && !element?.open) element?.showModal();
    if (!isOpen && element?.open) element.close();
  }, [isOpen]);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keyboards close it with Esc
    <dialog
      ref={dialog}
      class="dialog is-wide"
      aria-labelledby="detail-title"
      data-testid="detail"
      // Not on `close`, which fires late: Back may have opened the dialog again by then.
      onCancel={close}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      {detail && <Lazy load={loadBody} with={{ detail, onClose: close }} class="skeleton detail-skeleton" />}
    </dialog>
  );
}
