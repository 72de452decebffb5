import { SottoError, type Store } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, type Party } from '../party.js';
import { manualClock } from '../support.js';
import { DAY, HOUR, MINUTE, START } from '../world.js';
import { newPlace, type Place, settle, unavailable } from './places.js';

async function scene(...places: Place[]) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock });
  const options = { clock, directories: places.map((place) => place.directory()) };
  const alice = await newParty(network, 'alice-1', options);
  await settle(network, alice);
  /** Time passes, in steps, with what it sets off. */
  async function pass(milliseconds: number, ...parties: Party[]): Promise<void> {
    const step = Math.min(milliseconds, 10 * MINUTE);
    for (let passed = 0; passed < milliseconds; passed += step) {
      clock.advance(step);
      await settle(network, alice, ...parties);
    }
  }
  return { clock, network, alice, options, pass };
}

describe('our bundle in directories', () => {
  it('is published on start, after each rotation, and once a day', async () => {
    const place = newPlace();
    const { alice, pass } = await scene(place);
    expect(place.log).toEqual(['alice-1 v1']);
    expect(alice.events.bundlePublished).toEqual([{ directory: 'place' }]);
    await pass(23 * HOUR);
    expect(place.log).toEqual(['alice-1 v1']);
    await pass(2 * HOUR);
    // By the rotation; the day of the first publication ended at about the same time.
    expect(new Set(place.log)).toEqual(new Set(['alice-1 v1', 'alice-1 v2']));
    expect(place.log.length).toBeLessThanOrEqual(3);
    await pass(24 * HOUR);
    expect(place.log.at(-1)).toBe('alice-1 v3');
    expect(place.log.length).toBeLessThanOrEqual(5);
    await alice.messenger.close();
  });

  it('is published again before it expires, also when nothing has changed', async () => {
    const place = newPlace('short', { lifetimeMs: 4 * HOUR });
    const { pass } = await scene(place);
    await pass(12 * HOUR);
    expect(place.log.length).toBeGreaterThanOrEqual(6);
    expect(place.log.length).toBeLessThanOrEqual(7);
  });

  it('is published where that costs no transaction, and nowhere else', async () => {
    const places = [
      newPlace('free'),
      newPlace('paid', { publishing: 'paid' }),
      newPlace('chain', { publishing: 'transaction' }),
      newPlace('read-only', { publishing: 'none' }),
    ];
    const { alice } = await scene(...places);
    expect(places.map(({ log }) => log.length)).toEqual([1, 1, 0, 0]);
    const states = await alice.messenger.contacts.directories();
    expect(states.map(({ directory, publishedAt }) => [directory, publishedAt])).toEqual([
      ['free', START],
      ['paid', START],
      ['chain', undefined],
      ['read-only', undefined],
    ]);
  });

  it('is not published again after a restart, or several', async () => {
    const place = newPlace();
    const { network, alice, pass } = await scene(place);
    await alice.restart();
    await settle(network, alice);
    await pass(HOUR);
    await alice.restart();
    await settle(network, alice);
    expect(place.log).toEqual(['alice-1 v1']);
    // What was due meanwhile is made up for.
    await alice.messenger.close();
    alice.clock.advance(25 * HOUR);
    await alice.restart();
    await settle(network, alice);
    expect(place.log.at(-1)).toBe('alice-1 v2');
  });

  it('that could not be published is tried again with growing waits, and said so; messages go on', async () => {
    const place = newPlace();
    place.failure = unavailable();
    const { network, alice, clock, pass } = await scene(place, newPlace('other'));
    const bob = await newParty(network, 'bob-1', { clock });
    expect(alice.events.bundlePublished).toEqual([{ directory: 'other' }]);
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.say(bob, 'hello');
    await settle(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: hello']);
    await pass(6 * HOUR);
    const failures = alice.events.bundlePublishFailed;
    expect(failures[0]).toMatchObject({
      directory: 'place',
      error: { code: 'DIRECTORY_UNAVAILABLE' },
      attempts: 1,
    });
    const waits = failures.map(({ waitMs }) => waitMs);
    for (const [at, wait] of waits.entries()) {
      const middle = Math.min(MINUTE * 2 ** at, HOUR);
      expect(wait).toBeGreaterThanOrEqual(middle / 2);
      expect(wait).toBeLessThanOrEqual(middle * 1.5);
    }
    expect(failures.map(({ attempts }) => attempts)).toEqual(failures.map((_, at) => at + 1));
    expect(failures.length).toBeGreaterThan(6);
    expect(failures.length).toBeLessThan(20);
    const states = await alice.messenger.contacts.directories();
    expect(states[0]).toMatchObject({
      publishedAt: undefined,
      failedAttempts: failures.length,
      errorCode: 'DIRECTORY_UNAVAILABLE',
    });
    // Waits stay after a restart.
    const before = place.finds;
    await alice.restart();
    await settle(network, alice, bob);
    expect(place.finds - before).toBeLessThanOrEqual(1);
    place.failure = undefined;
    await pass(2 * HOUR);
    expect(place.log).toEqual(['alice-1 v1']);
    expect((await alice.messenger.contacts.directories())[0]).toMatchObject({
      failedAttempts: 0,
      errorCode: undefined,
    });
  });

  it('that could not be published is tried at once when the application publishes', async () => {
    const place = newPlace();
    place.failure = unavailable();
    const { network, alice } = await scene(place);
    place.failure = undefined;
    await alice.messenger.contacts.publishOwnCode();
    await settle(network, alice);
    expect(place.log).toEqual(['alice-1 v1']);
  });

  it('is given up when the messenger is closed, and a directory that never answers does not delay that', async () => {
    const place = newPlace();
    place.held = new Promise(() => {});
    const { network, alice } = await scene(place);
    expect(place.finds).toBe(1);
    await alice.messenger.flushed();
    await alice.messenger.close();
    expect(place.signals.every(({ aborted }) => aborted)).toBe(true);
    expect(alice.clock.next()).toBeUndefined();
    place.held = undefined;
    await alice.restart();
    await settle(network, alice);
    expect(place.log).toEqual(['alice-1 v1']);
  });

  it('is published again when the store could not keep that it was', async () => {
    const place = newPlace();
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock });
    const wrapStore = (store: Store): Store => ({
      ...store,
      async commit(writes, options) {
        const full = place.log.length === 1 && writes.some(({ key }) => key.startsWith('directory/'));
        if (full && failures-- > 0) {
          throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'full' });
        }
        return store.commit(writes, options);
      },
    });
    let failures = 1;
    const directories = [place.directory()];
    const alice = await newParty(network, 'alice-1', { clock, directories, wrapStore });
    await settle(network, alice);
    expect(alice.events.storageError).toMatchObject([{ error: { code: 'STORE_UNAVAILABLE' } }]);
    expect(alice.events.bundlePublished).toEqual([]);
    clock.advance(MINUTE);
    await settle(network, alice);
    expect(place.log).toEqual(['alice-1 v1', 'alice-1 v1']);
    expect(alice.events.bundlePublished).toEqual([{ directory: 'place' }]);
  });

  it('with a clock that was years ahead: is published again by the right one', async () => {
    const place = newPlace();
    const { network, alice, clock, pass } = await scene(place);
    const now = clock.now.bind(clock);
    let ahead = 2 * 365 * DAY;
    clock.now = () => now() + ahead;
    await pass(HOUR);
    const wrong = place.log.length;
    expect(wrong).toBeGreaterThan(1);
    // Directories get over such a sequence by themselves; this one forgets.
    place.published.clear();
    ahead = 0;
    await pass(2 * HOUR);
    await settle(network, alice);
    expect(place.log.length).toBeGreaterThan(wrong);
    const [{ sequence } = { sequence: 0n }] = place.published.values();
    expect(Number(sequence / 1_000_000n)).toBeLessThan(START + DAY);
    await alice.messenger.close();
  });
});

describe('several devices of an identity in one directory', () => {
  async function twoDevices() {
    const place = newPlace();
    const { network, alice, clock, options, pass } = await scene(place);
    const laptop = await newParty(network, 'alice-2', { ...options, identity: alice.identity });
    await settle(network, alice, laptop);
    return { place, network, alice, laptop, clock, options, pass: (ms: number) => pass(ms, laptop) };
  }

  it('are all in it, whoever published last, paired or not', async () => {
    const { place, alice, laptop, pass } = await twoDevices();
    expect(place.log).toEqual(['alice-1 v1', 'alice-1 v1, alice-2 v1']);
    await pass(3 * DAY + HOUR);
    expect(place.log.at(-1)).toBe('alice-1 v4, alice-2 v4');
    for (const entry of place.log.slice(1)) expect(entry).toMatch(/^alice-1 v\d, alice-2 v\d$/);
    expect(alice.events.deviceAdded).toMatchObject([{ installationId: 'alice-2', own: true }]);
    expect(laptop.events.deviceAdded).toMatchObject([{ installationId: 'alice-1', own: true }]);
  });

  it('are in it after both published at the same time', async () => {
    const { place, network, alice, laptop, clock, pass } = await twoDevices();
    // Each has read the directory before the other has written to it.
    let release = () => {};
    place.published.clear();
    place.log.length = 0;
    place.held = new Promise<void>((resolve) => {
      release = resolve;
    });
    clock.advance(25 * HOUR);
    await settle(network, alice, laptop);
    place.held = undefined;
    release();
    await settle(network, alice, laptop);
    await pass(30 * MINUTE);
    expect(place.log.at(-1)).toBe('alice-1 v2, alice-2 v2');
  });

  it('are no longer in it when nothing new came from them for two weeks: lost ones do not stay for ever', async () => {
    const { place, laptop, alice, pass } = await twoDevices();
    await laptop.messenger.close();
    await pass(13 * DAY);
    expect(place.log.at(-1)).toMatch(/alice-1 v\d+, alice-2 v1$/);
    await pass(3 * DAY);
    expect(place.log.at(-1)).toMatch(/^alice-1 v\d+$/);
    await alice.restart();
    await pass(DAY + HOUR);
    expect(place.log.at(-1)).toMatch(/^alice-1 v\d+$/);
  });

  it('are no longer in it once they were unlinked, also when they have published since or are known to it from before', async () => {
    const { place, network, alice, laptop, pass } = await twoDevices();
    await alice.messenger.devices.enable('alice-2');
    await alice.messenger.devices.unlink('alice-2');
    await settle(network, alice);
    expect(place.log.at(-1)).toBe('alice-1 v1');
    await pass(25 * HOUR);
    expect(place.log).toContain('alice-1 v2');
    await laptop.messenger.close();
    await alice.restart();
    await pass(2 * DAY);
    expect(place.log.at(-1)).toMatch(/^alice-1 v\d+$/);
  });

  it('stay in it as paired ones after that time', async () => {
    const { place, network, laptop, alice, pass } = await twoDevices();
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.close();
    await settle(network, alice);
    await pass(16 * DAY);
    expect(place.log.at(-1)).toMatch(/alice-1 v\d+, alice-2 v1$/);
  });

  it('that began again with an empty store are found beside the one that is lost', async () => {
    const place = newPlace();
    const { network, alice, options } = await scene(place);
    await alice.messenger.close();
    const anew = await newParty(network, 'alice-9', { ...options, identity: alice.identity });
    await settle(network, anew);
    expect(place.log.at(-1)).toBe('alice-1 v1, alice-9 v1');
    await anew.messenger.close();
    const again = await newParty(network, 'alice-9', { ...options, identity: alice.identity });
    await settle(network, again);
    expect(place.log.at(-1)).toBe('alice-1 v1, alice-9 v1');
  });
});
