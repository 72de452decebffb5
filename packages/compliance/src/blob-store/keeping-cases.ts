import { expectBytes, expectRejection, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { type BlobStoreCase, newBlob, withBlobs } from './blob-store-case.js';

/** Sizes at which buffers, chunks and encodings end. */
const SIZES = [1, 2, 255, 256, 1_023, 1_024, 4_096, 65_535, 65_536, 65_537];
const CONCURRENT = 20;

/** What was put is there for everybody who has the reference. */
export function blobKeepingCases(timeLimit: TimeLimit, deletes: boolean): readonly BlobStoreCase[] {
  return [
    withBlobs('keeping: a blob is found by its reference, by others too', timeLimit, async (blobs) => {
      const blob = newBlob(1_000);
      const reference = await blobs.put(blob);
      expectThat(typeof reference === 'string' && reference !== '', 'the reference is a text');
      expectThat(/^[!-~]{1,512}$/.test(reference), 'it is at most 512 visible ASCII characters');
      expectThat(blobs.fixture.store().accepts(reference), 'another one accepts the reference');
      expectBytes(await blobs.get(reference), blob, 'the blob');
    }),

    withBlobs('keeping: blobs of many sizes, and the largest', timeLimit, async (blobs) => {
      const { maxBlobBytes } = blobs.store.capabilities;
      for (const size of [...SIZES.filter((one) => one < maxBlobBytes), maxBlobBytes]) {
        const blob = newBlob(size);
        expectBytes(await blobs.get(await blobs.put(blob)), blob, `a blob of ${size} bytes`);
      }
    }),

    withBlobs('keeping: every byte', timeLimit, async (blobs) => {
      const blob = Uint8Array.from({ length: 512 }, (_, i) => (i < 256 ? i : 511 - i));
      expectBytes(await blobs.get(await blobs.put(blob)), blob, 'the blob');
    }),

    withBlobs('keeping: one beyond the limit is refused', timeLimit, async (blobs) => {
      const { store } = blobs;
      const large = new Uint8Array(store.capabilities.maxBlobBytes + 1);
      await timeLimit.wait(expectRejection(store.put(large), 'LIMIT_EXCEEDED', 'put'), 'put settles');
    }),

    withBlobs('keeping: the same blob again is fine', timeLimit, async (blobs) => {
      const blob = newBlob(2_000);
      const references = [await blobs.put(blob), await blobs.put(blob)];
      for (const reference of references) expectBytes(await blobs.get(reference), blob, 'the blob');
    }),

    withBlobs(`keeping: ${CONCURRENT} blobs at the same time`, timeLimit, async (blobs) => {
      const all = Array.from({ length: CONCURRENT }, (_, i) => newBlob(3_000 + i));
      const references = await Promise.all(all.map((blob) => blobs.put(blob)));
      expectThat(new Set(references).size === CONCURRENT, 'each has a reference of its own');
      const found = await Promise.all(references.map((reference) => blobs.get(reference)));
      for (const [i, blob] of all.entries()) expectBytes(found[i], blob, `blob ${i}`);
    }),

    withBlobs('keeping: what was never put is not found', timeLimit, async ({ store, fixture }) => {
      for (const reference of fixture.absent) {
        expectThat(store.accepts(reference), `${reference} is accepted`);
        await timeLimit.wait(
          expectRejection(store.get(reference), 'NOT_FOUND', `get of ${reference}`),
          'get settles',
        );
      }
    }),

    ...(deletes
      ? [
          withBlobs('deleting: a blob is gone; again is fine; others stay', timeLimit, async (blobs) => {
            const [gone, stays] = [newBlob(500), newBlob(500)];
            const [reference, other] = [await blobs.put(gone), await blobs.put(stays)];
            expectThat(blobs.store.delete !== undefined, 'the store has delete');
            for (let i = 0; i < 2; i++)
              await timeLimit.wait(Promise.resolve(blobs.store.delete(reference)), 'delete resolves');
            await timeLimit.wait(
              expectRejection(blobs.fixture.store().get(reference), 'NOT_FOUND', 'get'),
              'get settles',
            );
            expectBytes(await blobs.get(other), stays, 'the other');
            expectBytes(await blobs.get(await blobs.put(gone)), gone, 'the blob, put again');
          }),
        ]
      : []),
  ];
}
