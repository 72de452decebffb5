import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly value: string;
  readonly type?: 'text' | 'password' | 'url';
  /** What the browser may fill in. Default: nothing. */
  readonly autocomplete?: 'off' | 'current-password' | 'new-password';
  readonly inputMode?: 'text' | 'numeric' | 'search';
  /** Whether to type begins here when it appears. */
  readonly autofocus?: boolean | undefined;
  onValue(value: string): void;
}

/** An input with its label above and, if need be, a hint below. */
export function Field(props: FieldProps) {
  const { label, hint, value, type = 'text', autocomplete = 'off', inputMode = 'text', onValue } = props;
  const id = useId();
  const input = useFocus<HTMLInputElement>(props.autofocus);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        ref={input}
        // Preact's types tell inputs apart by the literal; for these three they are alike.
        type={type as 'text'}
        autocomplete={autocomplete}
        autocapitalize="off"
        spellcheck={false}
        inputMode={inputMode}
        value={value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A reference to an element that gets the focus when it appears, if it is to. After the heading of its page. */
function useFocus<E extends HTMLElement>(wanted = false) {
  const element = useRef<E>(null);
  useEffect(() => {
    if (!wanted) return;
    const timer = setTimeout(() => element.current?.focus());
    return () => clearTimeout(timer);
  }, []);
  return element;
}

type AreaProps = {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly value: string;
  readonly rows?: number;
  readonly autofocus?: boolean | undefined;
  onValue(value: string): void;
};

/** The same for longer texts. What is typed is not corrected or completed. */
export function Area({ label, hint, value, rows = 3, autofocus, onValue }: AreaProps) {
  const id = useId();
  const area = useFocus<HTMLTextAreaElement>(autofocus);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        ref={area}
        rows={rows}
        value={value}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
