import type {
  BundleCandidate,
  BundleDirectory,
  BundleDirectoryCapabilities,
  BundlePublication,
  FindBundlesOptions,
  PublicKey,
} from '@sotto/core';
import type { DirectoryFixture } from '../src/directory.js';
import { type Board, boardFixture, ReferenceDirectory as Reference } from './reference-directory.js';

/** A directory with one promise broken, and cases that have to notice it. */
export interface BrokenDirectory {
  readonly fault: string;
  readonly createFixture: () => DirectoryFixture;
  readonly caughtBy: readonly string[];
}

function broken(
  fault: string,
  Class: new (board: Board) => BundleDirectory,
  ...caughtBy: string[]
): BrokenDirectory {
  return { fault, createFixture: () => boardFixture(Class), caughtBy };
}

export const brokenDirectories: readonly BrokenDirectory[] = [
  broken(
    'finds something of everybody',
    class extends Reference {
      override async find(identity: PublicKey, options?: FindBundlesOptions) {
        const found = await super.find(identity, options);
        return found.length > 0 ? found : [this.candidate(new Uint8Array(9))];
      }
    },
    'finding: nothing is found of an identity that published nothing',
    'finding: identities are kept apart',
  ),
  broken(
    'finds nothing',
    class extends Reference {
      override async find(): Promise<readonly BundleCandidate[]> {
        return [];
      }
    },
    'finding: what was published is found by others, and says where',
  ),
  broken(
    'does not say where',
    class extends Reference {
      override candidate(bundle: Uint8Array) {
        return { ...super.candidate(bundle), source: '' };
      }
    },
    'finding: what was published is found by others, and says where',
  ),
  broken(
    'keeps what came first',
    class extends Reference {
      override async publish(publication: BundlePublication) {
        const { publicKey } = publication.identity;
        if (!this.board.published.has(this.keyOf(publicKey))) await super.publish(publication);
      }
    },
    'finding: the newest is found after a rotation',
    'publishing: two devices at once leave one of both',
  ),
  broken(
    'mixes identities up',
    class extends Reference {
      override keyOf() {
        return 'anybody';
      }
    },
    'finding: identities are kept apart',
  ),
  broken(
    'answers one at a time, and no other',
    class extends Reference {
      static busy = false;
      override async find(identity: PublicKey, options?: FindBundlesOptions) {
        const Class = this.constructor as unknown as { busy: boolean };
        if (Class.busy) return [];
        Class.busy = true;
        await new Promise((resolve) => setTimeout(resolve, 1));
        Class.busy = false;
        return super.find(identity, options);
      }
    },
    'finding: many may look at once',
  ),
  broken(
    'refuses the same again',
    class extends Reference {
      override refuses(before: bigint, sequence: bigint) {
        return sequence <= before;
      }
    },
    'publishing: the same again is fine',
  ),
  broken(
    'lets an older one replace a newer one',
    class extends Reference {
      override refuses() {
        return false;
      }
    },
    'publishing: an older one is refused and replaces nothing',
  ),
  broken(
    'takes what is too large',
    class extends Reference {
      override checkSize() {}
    },
    'publishing: the largest is taken, and one larger is refused',
  ),
  broken(
    'never settles when two publish at once',
    class extends Reference {
      static publishing = 0;
      override async publish(publication: BundlePublication) {
        const Class = this.constructor as unknown as { publishing: number };
        if (++Class.publishing > 1) await new Promise<never>(() => {});
        await new Promise((resolve) => setTimeout(resolve, 1));
        await super.publish(publication);
        Class.publishing--;
      }
    },
    'publishing: two devices at once leave one of both',
  ),
  broken(
    'hands out what it keeps',
    class extends Reference {
      override candidate(bundle: Uint8Array) {
        return { bundle, source: 'the board' };
      }
    },
    'bytes: what is found belongs to the one who asked',
  ),
  broken(
    'keeps what it was handed',
    class extends Reference {
      override copyIn(bytes: Uint8Array) {
        super.copyIn(bytes);
        return bytes;
      }
    },
    'bytes: the publisher has its own back when publish resolves',
    'bytes: every kind of Uint8Array is taken, and copied',
  ),
  broken(
    'takes what is not a Uint8Array',
    class extends Reference {
      override copyIn(bytes: Uint8Array) {
        return Uint8Array.from(bytes);
      }
    },
    'bytes: what is not a Uint8Array is refused',
  ),
  broken(
    'says that it is only read, and publishes',
    class extends Reference {
      override readonly capabilities: BundleDirectoryCapabilities = {
        publishing: 'none',
        updatedBy: 'operator',
        maxBundleBytes: 4096,
      };
    },
    'capabilities: they say what the directory does',
  ),
  broken(
    'does not look at signals',
    class extends Reference {
      override check() {
        super.check(undefined);
      }
    },
    'ends: a signal that has fired stops finding',
    'ends: a signal that has fired stops publishing',
  ),
  broken(
    'says that nothing is there when it cannot look',
    class extends Reference {
      override async find(identity: PublicKey, options?: FindBundlesOptions) {
        return this.board.reachable ? super.find(identity, options) : [];
      }
    },
    'interruption: finding fails and works again afterwards',
  ),
  broken(
    'drops what is published when it cannot publish',
    class extends Reference {
      override async publish(publication: BundlePublication) {
        if (this.board.reachable) await super.publish(publication);
      }
    },
    'interruption: publishing fails and works again afterwards',
  ),
];
