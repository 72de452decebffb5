import type { PublicKey } from '@sotto/core';
import { useSession } from '../session-context.js';
import { isSame, nameOf } from '../words.js';

/** Someone's name, or key, and whether safety numbers were compared. */
export function PersonName({ identity }: { readonly identity: PublicKey }) {
  const { conversations, identity: own } = useSession();
  const person = conversations.person(identity);
  return (
    <span class="name">
      <bdi>{isSame(own.publicKey, identity) ? 'You' : nameOf(person)}</bdi>
      {person.verified && <Verified />}
    </span>
  );
}

function Verified() {
  return (
    <span class="verified" title="Safety numbers compared">
      <span aria-hidden="true">✓</span>
      <span class="sr-only"> (verified)</span>
    </span>
  );
}
