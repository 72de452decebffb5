import type { PublicKey } from '@sotto/core';
import { isSame, nameOf } from '../format.js';
import { useSession } from '../session-context.js';
import { usePerson } from '../use-revision.js';

/** Someone's name, and what came of comparing safety numbers with them. */
export function PersonName({ identity }: { readonly identity: PublicKey }) {
  const session = useSession();
  const { identity: own, profiles } = session;
  const person = usePerson(identity);
  const isOwn = isSame(own.publicKey, identity);
  const { source, text } = profiles.shownName(identity);
  const isMade = !isOwn && source === 'none';
  const isTheirs = !isOwn && source === 'own';
  return (
    <span class="name">
      <bdi
        class={isMade ? 'made-name' : undefined}
        title={
          isMade
            ? 'A name made from their key, as you gave them none'
            : isTheirs
              ? `They call themselves “${text}”; you gave them no name`
              : undefined
        }
      >
        {isOwn ? 'You' : nameOf(session, identity)}
      </bdi>
      {person.verified && <Sign sign="✓" kind="verified" title="Safety numbers compared" words="verified" />}
      {person.mismatch && (
        <Sign sign="⚠" kind="mismatch" title="Safety numbers were different" words="safety numbers differ" />
      )}
    </span>
  );
}

interface SignProps {
  readonly sign: string;
  readonly kind: string;
  readonly title: string;
  /** For a screen reader. */
  readonly words: string;
}

function Sign({ sign, kind, title, words }: SignProps) {
  return (
    <span class={kind} title={title}>
      <span aria-hidden="true">{sign}</span>
      <span class="sr-only"> ({words})</span>
    </span>
  );
}
