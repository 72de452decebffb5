import { SottoError } from '@sotto/core';
import { unavailable } from '../unavailable.js';

/**
 * What to do when another tab has the store open.
 *
 * - `fail`: reject with STORE_LOCKED.
 * - `wait`: until that tab closes it, or is closed.
 * - `hand-over`: ask that tab to finish what is in progress and release it, then take it over.
 */
export type WhenLocked = 'fail' | 'wait' | 'hand-over';

/** The lock of the one tab of the origin that has the store open. */
export interface TabLock {
  /** The name of the lock. */
  readonly name: string;
  /** Resolves when this tab should release it: another tab asked for it, or the lock was stolen. */
  readonly wanted: Promise<void>;
  /** Releases the lock. Releasing twice is fine. */
  release(): void;
}

const HAND_OVER = 'hand-over';

/** @throws STORE_LOCKED, ABORTED, STORE_UNAVAILABLE */
export async function acquireTabLock(
  store: string,
  whenLocked: WhenLocked,
  signal: AbortSignal | undefined,
): Promise<TabLock> {
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) {
    const details = { reason: 'no Web Locks: only secure contexts (https, localhost) have them' };
    throw new SottoError('STORE_UNAVAILABLE', "The store can't be locked.", details);
  }
  if (signal?.aborted) throw aborted();
  const name = `sotto:${store}`;
  // Opened before the lock is held, so that a request during opening isn't missed.
  const channel = new BroadcastChannel(name);

  return new Promise((resolve, reject) => {
    let release: () => void = () => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    let want: () => void = () => {};
    const wanted = new Promise<void>((done) => {
      want = done;
    });
    let ours = false;
    const letGo = () => {
      channel.close();
      release();
    };
    const yieldIfAsked = async () => {
      // Some tab has to be waiting for it: the request may already have been satisfied by another tab.
      if (ours && (await isAwaited(locks, name))) want();
    };
    channel.onmessage = ({ data }) => {
      if (data === HAND_OVER) void yieldIfAsked();
    };
    const options = whenLocked === 'fail' ? { ifAvailable: true } : signal ? { signal } : {};
    locks
      .request(name, options, (lock) => {
        if (!lock) {
          channel.close();
          reject(lockedError(name));
          return undefined;
        }
        ours = true;
        resolve({ name, wanted, release: letGo });
        void yieldIfAsked();
        return held;
      })
      .catch((error: unknown) => {
        channel.close();
        // Before the lock was ours, waiting was aborted; afterwards, the lock was stolen.
        if (ours) want();
        else reject(signal?.aborted ? aborted() : unavailable(error));
      });
    if (whenLocked === 'hand-over') {
      // Sent once a query shows that our wait has begun: the holder checks whether a tab is waiting.
      void locks.query().then(() => {
        if (!ours) channel.postMessage(HAND_OVER);
      });
    }
  });
}

/** The error of a store that another tab has open. */
export function lockedError(where: string): SottoError<'STORE_LOCKED'> {
  return new SottoError('STORE_LOCKED', 'Another tab has this store open.', { where });
}

async function isAwaited(locks: LockManager, name: string): Promise<boolean> {
  const { pending } = await locks.query();
  return pending?.some((request) => request.name === name) ?? false;
}

function aborted(): SottoError<'ABORTED'> {
  return new SottoError('ABORTED', 'The caller gave up.', { what: 'open' });
}
