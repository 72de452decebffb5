import { expectRejection, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { atPlace, type DirectoryCase } from './directory-case.js';

/** What a directory says of itself, and that a caller can give up. */
export function endCases(timeLimit: TimeLimit, publishes: boolean): readonly DirectoryCase[] {
  return [
    atPlace('capabilities: they say what the directory does', timeLimit, async ({ directory }) => {
      const { publishing, updatedBy, lifetimeMs, maxBundleBytes } = directory.capabilities;
      expectThat(directory.name.length > 0, 'it has a name');
      expectThat(
        ['free', 'paid', 'transaction', 'none'].includes(publishing),
        'publishing is one of the four',
      );
      expectThat(
        ['identity-key', 'name-owner', 'operator'].includes(updatedBy),
        'updatedBy is one of the three',
      );
      expectThat(
        Number.isSafeInteger(maxBundleBytes) && maxBundleBytes >= 1024,
        'maxBundleBytes has room for a bundle of three devices',
      );
      expectThat(lifetimeMs === undefined || lifetimeMs > 0, 'lifetimeMs is positive, if there is one');
      const can = publishing === 'free' || publishing === 'paid';
      expectThat(can === (directory.publish !== undefined), 'publish is there if capabilities say so');
    }),

    atPlace('ends: a signal that has fired stops finding', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const found = place.directory.find(identity.publicKey, { signal: AbortSignal.abort() });
      await timeLimit.wait(expectRejection(found, 'ABORTED', 'find'), 'find settles');
    }),

    ...(publishes
      ? [
          atPlace('ends: a signal that has fired stops publishing', timeLimit, async (place) => {
            const publication = place.publication(place.fixture.identity(), 0);
            const { directory } = place;
            expectThat(directory.publish !== undefined, 'the directory has publish');
            const published = directory.publish(publication, { signal: AbortSignal.abort() });
            await timeLimit.wait(expectRejection(published, 'ABORTED', 'publish'), 'publish settles');
          }),
        ]
      : []),
  ];
}

/** That a place which can't be reached is an error, and no answer. */
export function interruptionCases(timeLimit: TimeLimit, publishes: boolean): readonly DirectoryCase[] {
  return [
    atPlace('interruption: finding fails and works again afterwards', timeLimit, async (place) => {
      const identity = place.fixture.identity();
      const bundle = await place.publish(identity, 0);
      expectThat(place.fixture.interrupt !== undefined, 'the fixture can interrupt');
      const restore = await place.fixture.interrupt();
      try {
        const name = place.fixture.name?.(identity.publicKey);
        const found = place.fixture.directory().find(identity.publicKey, { ...(name && { name }) });
        await timeLimit.wait(expectRejection(found, 'DIRECTORY_UNAVAILABLE', 'find'), 'find settles');
      } finally {
        await restore();
      }
      await place.expectFound(identity.publicKey, bundle, 'the bundle');
    }),

    ...(publishes
      ? [
          atPlace('interruption: publishing fails and works again afterwards', timeLimit, async (place) => {
            const identity = place.fixture.identity();
            expectThat(place.fixture.interrupt !== undefined, 'the fixture can interrupt');
            const restore = await place.fixture.interrupt();
            try {
              const published = place.publishAs(place.publication(identity, 0), place.fixture.directory());
              await timeLimit.wait(
                expectRejection(published, 'DIRECTORY_UNAVAILABLE', 'publish'),
                'publish settles',
              );
            } finally {
              await restore();
            }
            const bundle = await place.publish(identity, 1);
            await place.expectFound(identity.publicKey, bundle, 'what was published afterwards');
          }),
        ]
      : []),
  ];
}
