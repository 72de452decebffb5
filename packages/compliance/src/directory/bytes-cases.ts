import { copyBytes } from '@sotto/core';
import { expectRejection } from '../support/expectations.js';
import { notBytes, oddBytes } from '../support/odd-bytes.js';
import type { TimeLimit } from '../support/time-limit.js';
import { atPlace, type DirectoryCase } from './directory-case.js';

/** Whose the bytes are. */
export function bytesCases(timeLimit: TimeLimit, publishes: boolean): readonly DirectoryCase[] {
  return [
    atPlace('bytes: what is found belongs to the one who asked', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const bundle = await place.publish(identity, 0);
      const asked = place.fixture.directory();
      for (const candidate of await place.find(identity.publicKey, asked)) candidate.bundle.fill(0xee);
      const [again] = await place.find(identity.publicKey, asked);
      again?.bundle.fill(0xdd);
      await place.expectFound(identity.publicKey, bundle, 'the bundle');
    }),

    ...(publishes
      ? [
          atPlace('bytes: the publisher has its own back when publish resolves', timeLimit, async (place) => {
            const identity = place.fixture.identity();
            const publication = place.publication(identity, 0);
            const expected = copyBytes(publication.bundle);
            await timeLimit.wait(place.publishAs(publication), 'publish resolves');
            publication.bundle.fill(0);
            await place.expectFound(identity.publicKey, expected, 'the bundle');
          }),

          atPlace('bytes: every kind of Uint8Array is taken, and copied', timeLimit, async (place) => {
            for (const kind of oddBytes(new Uint8Array(1)).keys()) {
              const identity = place.fixture.identity();
              const publication = place.publication(identity, 0);
              const lent = oddBytes(publication.bundle).get(kind) as Uint8Array;
              const published = place.publishAs({ ...publication, bundle: lent });
              await timeLimit.wait(published, `publish of ${kind} resolves`);
              lent.fill(0);
              await place.expectFound(identity.publicKey, publication.bundle, `the bundle in ${kind}`);
            }
          }),

          atPlace('bytes: what is not a Uint8Array is refused', timeLimit, async (place) => {
            const publication = place.publication(place.fixture.identity(), 0);
            for (const [kind, bundle] of notBytes(publication.bundle)) {
              const refused = place.publishAs({ ...publication, bundle });
              await timeLimit.wait(
                expectRejection(refused, 'INVALID_ARGUMENT', `publish of ${kind}`),
                'it settles',
              );
            }
          }),
        ]
      : []),
  ];
}
