import { explain } from '../explain.js';

/** An error in plain words, read out at once. */
export function Explained({ error }: { readonly error: unknown }) {
  return (
    <p class="error" role="alert">
      {error === undefined ? '' : explain(error)}
    </p>
  );
}
