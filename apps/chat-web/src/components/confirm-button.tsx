import { useState } from 'preact/hooks';

interface ConfirmButtonProps {
  readonly label: string;
  /** What happens, as a question. */
  readonly question: string;
  readonly busy?: boolean;
  onConfirm(): void;
}

/** A button for an action that can't be undone: asks first. */
export function ConfirmButton({ label, question, busy = false, onConfirm }: ConfirmButtonProps) {
  const [asking, setAsking] = useState(false);
  if (!asking) {
    return (
      <button type="button" class="danger" disabled={busy} onClick={() => setAsking(true)}>
        {label}
      </button>
    );
  }
  return (
    <div class="confirm" role="alertdialog" aria-label={question}>
      <p>{question}</p>
      <button
        type="button"
        class="danger"
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {label}
      </button>
      <button type="button" ref={focusOn} onClick={() => setAsking(false)}>
        Cancel
      </button>
    </div>
  );
}

/** The button that was pressed is gone; the harmless answer gets the focus. */
function focusOn(button: HTMLButtonElement | null): void {
  button?.focus();
}
