import { expectRejection, expectThat } from '../support/expectations.js';
import { outcomeOf, type TimeLimit } from '../support/time-limit.js';
import { atPlace, type DirectoryCase } from './directory-case.js';

/** That publications replace one another in one direction only. For directories that publish themselves. */
export function publishingCases(timeLimit: TimeLimit): readonly DirectoryCase[] {
  return [
    atPlace('publishing: the same again is fine', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const bundle = await place.publish(identity, 0);
      await place.publish(identity, 0);
      await place.expectFound(identity.publicKey, bundle, 'the bundle');
    }),

    atPlace('publishing: an older one is refused and replaces nothing', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const bundle = await place.publish(identity, 1);
      const older = place.publishAs(place.publication(identity, 0), place.fixture.directory());
      await timeLimit.wait(expectRejection(older, 'BUNDLE_STALE', 'publish'), 'publish settles');
      await place.expectFound(identity.publicKey, bundle, 'the newer bundle');
    }),

    atPlace('publishing: the largest is taken, and one larger is refused', timeLimit, async (place) => {
      const { maxBundleBytes } = place.directory.capabilities;
      const identity = place.fixture.identity();
      const largest = { ...place.publication(identity, 0), bundle: new Uint8Array(maxBundleBytes).fill(7) };
      await timeLimit.wait(place.publishAs(largest), 'publish of the largest resolves');
      await place.expectFound(identity.publicKey, largest.bundle, 'the largest bundle');
      const larger = { ...place.publication(identity, 1), bundle: new Uint8Array(maxBundleBytes + 1) };
      const refused = place.publishAs(larger);
      await timeLimit.wait(expectRejection(refused, 'LIMIT_EXCEEDED', 'publish'), 'publish settles');
      await place.expectFound(identity.publicKey, largest.bundle, 'what was there before');
    }),

    atPlace('publishing: two devices at once leave one of both', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const publications = [0, 1].map((n) => place.publication(identity, n));
      const outcomes = await timeLimit.wait(
        Promise.all(publications.map((one) => outcomeOf(place.publishAs(one, place.fixture.directory())))),
        'both settle',
      );
      expectThat(outcomes.includes('resolved'), `one of them resolves, not ${outcomes.join(' and ')}`);
      const last = await place.publish(identity, 2);
      await place.expectFound(identity.publicKey, last, 'what one published afterwards');
    }),
  ];
}
