import type { Message } from '@sotto/conversations';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fullTimeOf } from '../format.js';

/** What can be done with a message, and what is known of it. */
export function MessageMenu({ message }: { readonly message: Message }) {
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = ({ target }: Event) => {
      if (!menu.current?.contains(target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('focusin', close);
    menu.current?.scrollIntoView({ block: 'nearest' });
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('focusin', close);
    };
  }, [open]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what its buttons opened
    <div
      class="message-menu"
      ref={menu}
      onKeyDown={({ key }) => {
        if (key !== 'Escape' || !open) return;
        setOpen(false);
        menu.current?.querySelector('button')?.focus();
      }}
    >
      <button
        type="button"
        class="more"
        aria-label="Message menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        ⋯
      </button>
      {open && <Menu message={message} onClose={() => setOpen(false)} />}
    </div>
  );
}

function Menu({ message, onClose }: { readonly message: Message; onClose(): void }) {
  const { content, own, protection, sentAt, storedAt, verified } = message;
  return (
    <div class="menu">
      {content.kind === 'text' && (
        <button
          type="button"
          onClick={() => {
            void navigator.clipboard.writeText(content.text);
            onClose();
          }}
        >
          Copy the text
        </button>
      )}
      <dl>
        <dt>Sent</dt>
        <dd>{fullTimeOf(sentAt)}</dd>
        {!own && (
          <>
            <dt>Arrived</dt>
            <dd>{fullTimeOf(storedAt)}</dd>
          </>
        )}
        <dt>Protection</dt>
        <dd>{PROTECTIONS[protection]}</dd>
        {!own && (
          <>
            <dt>Sender</dt>
            <dd>{verified ? 'was verified' : 'was not verified'}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

const PROTECTIONS: Readonly<Record<Message['protection'], string>> = {
  dr: 'forward secrecy',
  dh: 'encrypted, no forward secrecy',
  public: 'none: public',
};
