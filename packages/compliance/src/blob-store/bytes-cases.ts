import { copyBytes } from '@sotto/core';
import { expectBytes, expectRejection } from '../support/expectations.js';
import { notBytes, oddBytes } from '../support/odd-bytes.js';
import type { TimeLimit } from '../support/time-limit.js';
import { type BlobStoreCase, newBlob, withBlobs } from './blob-store-case.js';

/** Whose the bytes are. */
export function blobBytesCases(timeLimit: TimeLimit): readonly BlobStoreCase[] {
  return [
    withBlobs('bytes: the caller has its own back when put resolves', timeLimit, async (blobs) => {
      const blob = newBlob(700);
      const expected = copyBytes(blob);
      const reference = await blobs.put(blob);
      blob.fill(0);
      expectBytes(await blobs.get(reference), expected, 'the blob');
    }),

    withBlobs('bytes: what is found belongs to the one who asked', timeLimit, async (blobs) => {
      const blob = newBlob(700);
      const reference = await blobs.put(blob);
      const asked = blobs.fixture.store();
      (await blobs.get(reference, asked)).fill(0xee);
      expectBytes(await blobs.get(reference, asked), blob, 'the blob');
    }),

    withBlobs('bytes: every kind of Uint8Array is taken', timeLimit, async (blobs) => {
      const blob = newBlob(700);
      for (const [kind, lent] of oddBytes(blob)) {
        const reference = await blobs.put(lent);
        expectBytes(await blobs.get(reference), blob, `the blob in ${kind}`);
      }
    }),

    withBlobs('bytes: what is not a Uint8Array is refused', timeLimit, async ({ store }) => {
      for (const [kind, blob] of notBytes(newBlob(10))) {
        const refused = expectRejection(store.put(blob), 'INVALID_ARGUMENT', `put of ${kind}`);
        await timeLimit.wait(refused, 'put settles');
      }
    }),
  ];
}
