import { explain } from '../explain.js';

/** An error in plain words, announced immediately by screen readers. */
export function Explained({ error }: { readonly error: unknown }) {
  return (
    <p class="error" role="alert">
      {error === undefined ? '' : explain(error)}
    </p>
  );
}
