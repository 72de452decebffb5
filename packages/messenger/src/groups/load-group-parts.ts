import type { MessengerContext } from '../runtime/context.js';
import type { GroupNeeds, GroupParts } from './group-parts.js';

/**
 * Loads the code of groups with the first group call, message of a group, or queued message to one. It may be awaited inside a
 * transaction, where it reads and writes nothing. Fails, and may be tried again, where a browser can't fetch the code.
 */
export type LoadGroupParts = () => Promise<GroupParts>;

/** The code of groups for one messenger, loaded once. A bundler makes a chunk of its own of it, a sixth of the whole. */
export function groupPartsLoader(context: MessengerContext, needs: () => GroupNeeds): LoadGroupParts {
  let parts: Promise<GroupParts> | undefined;
  return () => {
    parts ??= import('./group-parts.js').then(
      ({ createGroupParts }) => createGroupParts(context, needs()),
      (error: unknown) => {
        parts = undefined;
        throw error;
      },
    );
    return parts;
  };
}
