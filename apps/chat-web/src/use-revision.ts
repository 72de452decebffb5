import type { Person } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import { useSession } from './session-context.js';

/**
 * Renders the component again whenever something in the account has changed. Each component that shows such things calls it
 * itself: one whose properties stay the same is not rendered with its parent.
 */
export function useRevision(): number {
  return useSession().revision.value;
}

/** A person as they are now. */
export function usePerson(identity: PublicKey): Person {
  useRevision();
  return useSession().conversations.person(identity);
}
