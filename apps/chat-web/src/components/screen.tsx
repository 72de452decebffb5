import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Of the heading of the page: there is one at a time. */
export const HEADING_ID = 'heading';

/** A heading that gets the focus when its page appears, so that a screen reader says where one is. */
export function Heading({ children }: { readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h1 ref={heading} id={HEADING_ID} tabIndex={-1}>
      {children}
    </h1>
  );
}

interface ScreenProps {
  /** Shows the sign of the program above the title. */
  readonly logo?: boolean;
  readonly title: string;
  /** Where one is on a way of several screens. */
  readonly step?: readonly [at: number, of: number];
  readonly children: ComponentChildren;
}

/** A whole page without an account: one thing to do. */
export function Screen({ title, logo = false, step, children }: ScreenProps) {
  return (
    <main class="screen">
      <div class="card">
        {logo && <img class="logo" src="./icon.svg" alt="" width="72" height="72" />}
        {step !== undefined && (
          <p class="steps">
            <span class="sr-only">
              Step {step[0]} of {step[1]}
            </span>
            {Array.from({ length: step[1] }, (_, i) => (
              <span key={i} class={i < step[0] ? 'done' : ''} />
            ))}
          </p>
        )}
        <Heading key={title}>{title}</Heading>
        {children}
      </div>
    </main>
  );
}
