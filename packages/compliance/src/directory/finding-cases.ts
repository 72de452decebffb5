import { expectSame, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { atPlace, type DirectoryCase } from './directory-case.js';

/** That the newest publication of an identity is found, and of no other identity. */
export function findingCases(timeLimit: TimeLimit): readonly DirectoryCase[] {
  return [
    atPlace('finding: nothing is found of an identity that published nothing', timeLimit, async (place) => {
      expectSame((await place.find(place.fixture.identity().publicKey)).length, 0, 'candidates');
    }),

    atPlace('finding: what was published is found by others, and says where', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const bundle = await place.publish(identity, 0);
      await place.expectFound(identity.publicKey, bundle, 'the bundle');
      for (const { source } of await place.find(identity.publicKey)) {
        expectThat(typeof source === 'string' && source.length > 0, 'each candidate has a source');
      }
    }),

    atPlace('finding: the newest is found after a rotation', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      for (const n of [0, 1, 2]) {
        const bundle = await place.publish(identity, n);
        await place.expectFound(identity.publicKey, bundle, `bundle ${n}`);
      }
    }),

    atPlace('finding: identities are kept apart', timeLimit, async (place) => {
      const identities = [0, 1, 2].map(() => place.fixture.identity());
      const bundles = [];
      for (const identity of identities) bundles.push(await place.publish(identity, 0));
      for (const [at, { publicKey }] of identities.entries()) {
        await place.expectFound(publicKey, bundles[at] as Uint8Array, `the bundle of identity ${at}`);
      }
      expectSame((await place.find(place.fixture.identity().publicKey)).length, 0, 'candidates of another');
    }),

    atPlace('finding: many may look at once', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const bundle = await place.publish(identity, 0);
      await Promise.all(
        Array.from({ length: 8 }, () => place.expectFound(identity.publicKey, bundle, 'the bundle')),
      );
    }),
  ];
}
