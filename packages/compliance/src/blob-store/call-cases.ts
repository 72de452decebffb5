import type { BlobStore } from '@sotto/core';
import { expectBytes, expectRejection, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { type BlobStoreCase, newBlob, type TestBlobs, withBlobs } from './blob-store-case.js';

/** References of no store: addresses that a sender may want a recipient to contact. */
const FOREIGN = [
  '',
  'x',
  'http://127.0.0.1:1/secret',
  'https://attacker.example/0000000000000000000000000000000000000000000000000000000000000000',
  'file:///etc/passwd',
  '//attacker.example/x',
  'javascript:alert(1)',
  'ipfs://../../x',
  'memory:../x',
];

/** What calls do besides keeping: limits, foreign references, giving up, and being unreachable. */
export function blobCallCases(
  timeLimit: TimeLimit,
  { deletes, interruptible }: { readonly deletes: boolean; readonly interruptible: boolean },
): readonly BlobStoreCase[] {
  const settles = (promise: Promise<unknown>) => timeLimit.wait(promise, 'it settles');
  const callsOf = (blobs: TestBlobs, reference: string, store: BlobStore) => {
    return (signal: AbortSignal): readonly (readonly [string, () => Promise<unknown>])[] => [
      ['put', () => store.put(newBlob(300), { signal })],
      ['get', () => store.get(reference, { signal })],
      ...(deletes
        ? [['delete', () => Promise.resolve(blobs.store.delete?.(reference, { signal }))] as const]
        : []),
    ];
  };
  return [
    withBlobs('capabilities: name and largest blob are told', timeLimit, async ({ store }) => {
      const { name, capabilities } = store;
      expectThat(typeof name === 'string' && name !== '', 'it has a name');
      expectThat(
        Number.isSafeInteger(capabilities.maxBlobBytes) && capabilities.maxBlobBytes >= 2_048,
        'blobs may have 2,048 bytes at least',
      );
      expectThat((store.delete !== undefined) === deletes, `delete is ${deletes ? 'there' : 'absent'}`);
    }),

    withBlobs(
      'references: those of others are not accepted, and not contacted',
      timeLimit,
      async ({ store }) => {
        for (const reference of FOREIGN) {
          expectThat(!store.accepts(reference), `"${reference}" is not accepted`);
          await settles(expectRejection(store.get(reference), 'BLOB_REFUSED', `get of "${reference}"`));
          if (deletes) {
            const call = Promise.resolve(store.delete?.(reference));
            await settles(expectRejection(call, 'BLOB_REFUSED', `delete of "${reference}"`));
          }
        }
      },
    ),

    withBlobs('references: what is not a text is refused', timeLimit, async ({ store }) => {
      for (const reference of [undefined, null, 7, {}] as unknown as string[])
        await settles(expectRejection(store.get(reference), 'INVALID_ARGUMENT', `get of ${reference}`));
    }),

    withBlobs('limits: no more is read than the caller allows', timeLimit, async (blobs) => {
      const blob = newBlob(1_500);
      const reference = await blobs.put(blob);
      const store = blobs.fixture.store();
      await settles(expectRejection(store.get(reference, { maxBytes: 1_499 }), 'LIMIT_EXCEEDED', 'get'));
      expectBytes(await settlesTo(timeLimit, store.get(reference, { maxBytes: 1_500 })), blob, 'the blob');
    }),

    withBlobs('giving up: before the call', timeLimit, async (blobs) => {
      const reference = await blobs.put(newBlob(300));
      for (const [what, call] of callsOf(blobs, reference, blobs.store)(AbortSignal.abort()))
        await settles(expectRejection(call(), 'ABORTED', what));
      await blobs.get(reference);
    }),

    withBlobs('giving up: a signal that never fires changes nothing', timeLimit, async (blobs) => {
      const { signal } = new AbortController();
      const reference = await blobs.put(newBlob(300));
      for (const [, call] of callsOf(blobs, reference, blobs.store)(signal)) await settles(call());
    }),

    ...(interruptible
      ? [
          withBlobs('interruption: it is unavailable, and works again', timeLimit, async (blobs) => {
            const blob = newBlob(900);
            const reference = await blobs.put(blob);
            const resume = await settlesTo(
              timeLimit,
              blobs.fixture.interrupt?.() ?? Promise.reject(new Error('The fixture has no interrupt.')),
            );
            try {
              await settles(expectRejection(blobs.store.get(reference), 'BLOB_UNAVAILABLE', 'get'));
              await settles(expectRejection(blobs.store.put(newBlob(10)), 'BLOB_UNAVAILABLE', 'put'));
            } finally {
              await settles(resume());
            }
            expectBytes(await blobs.get(reference), blob, 'the blob');
          }),
        ]
      : []),
  ];
}

function settlesTo<T>(timeLimit: TimeLimit, promise: Promise<T>): Promise<T> {
  return timeLimit.wait(promise, 'it settles');
}
