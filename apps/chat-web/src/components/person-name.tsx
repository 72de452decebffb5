import type { PublicKey } from '@sotto/core';
import { isSame, nameOf } from '../format.js';
import { useSession } from '../session-context.js';

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
