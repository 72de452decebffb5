import { SottoError } from '@sotto/core';
import { unavailable } from '../unavailable.js';

/**
 * What to do when another tab has the store open.
 *
 * - `fail`: reject with STORE_LOCKED.
 * - `wait`: until that tab closes it, or is closed.
 * - `hand-over`: ask that tab to finish what is under way and let go, and take it then.
 */
export type WhenLocked = 'fail' | 'wait' | 'hand-over';

/** The right to be the one tab of the origin that has the store open. */
export interface TabLock {
  /** What the lock is called. */
  readonly name: string;
  /** Resolves when this tab should let go: another one asked for it, or the lock was taken away. */
  readonly wanted: Promise<void>;
  /** Lets go. Twice is fine. */
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
    const details = { reason: 'no Web Locks here: only secure contexts (https, localhost) have them' };
    throw new SottoError('STORE_UNAVAILABLE', "The store can't be locked.", details);
  }
  if (signal?.aborted) throw aborted();
  const name = `sotto:${store}`;
  // Open before the lock is held, so that a request that comes while we open isn't missed.
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
      // Somebody has to be waiting for it: the request may be one that another tab has already satisfied.
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
        // Before the lock was ours, waiting was given up; afterwards, somebody stole it.
        if (ours) want();
        else reject(signal?.aborted ? aborted() : unavailable(error));
      });
    if (whenLocked === 'hand-over') {
      // Asked when the wait has begun, which the answer to a query says: the holder looks whether somebody waits.
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
