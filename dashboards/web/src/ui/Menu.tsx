/** A button that opens a popover. The browser handles Esc, clicks outside, and focus. */
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';

/** Pixels between button and menu, and between menu and the edge of the window. */
const GAP = 6;
const EDGE = 8;

export function Menu(props: {
  label: ComponentChildren;
  title?: string;
  class?: string;
  testId?: string;
  onOpen?: () => void;
  children: (close: () => void) => ComponentChildren;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const close = () => popover.current?.hidePopover();
  // Below or above the button, aligned with its left or right edge: where there is more room.
  const place = () => {
    const box = button.current?.getBoundingClientRect();
    const menu = popover.current;
    if (!box || !menu) return;
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const isRight = box.left + box.right > width;
    const isAbove = box.top + box.bottom > height;
    menu.style.left = isRight ? 'auto' : `${Math.max(EDGE, box.left)}px`;
    menu.style.right = isRight ? `${Math.max(EDGE, width - box.right)}px` : 'auto';
    menu.style.top = isAbove ? 'auto' : `${box.bottom + GAP}px`;
    menu.style.bottom = isAbove ? `${height - box.top + GAP}px` : 'auto';
    menu.style.maxHeight = `${(isAbove ? box.top : height - box.bottom) - GAP - EDGE}px`;
  };
  const open = () => {
    place();
    props.onOpen?.();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={props.class ?? 'button'}
        popovertarget={id}
        title={props.title}
        aria-label={props.title}
        data-testid={props.testId}
      >
        {props.label}
      </button>
      <div ref={popover} id={id} popover="auto" class="menu" onBeforeToggle={open}>
        {props.children(close)}
      </div>
    </>
  );
}

export function MenuItem(props: {
  isOn: boolean;
  onPick: () => void;
  children: ComponentChildren;
  keyHint?: string;
}) {
  return (
    <button type="button" class="menu-item" aria-pressed={props.isOn} onClick={props.onPick}>
      <span class="menu-tick" aria-hidden="true">
        {props.isOn ? '✓' : ''}
      </span>
      <span>{props.children}</span>
      {props.keyHint && <kbd>{props.keyHint}</kbd>}
    </button>
  );
}
