import { encodeUtf8, SottoError } from '@sotto/core';
import { decodeBundle } from '@sotto/protocol-codec';
import { manualClock, rest } from '@sotto/testing/clock';
import { bundleTimestamp } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { createDirectories, type FoundBundle } from '../src/index.js';
import { bundleOf, codeOf, crypto, HOUR, NOW, newIdentity, scriptedDirectory } from './support.js';

const alice = newIdentity();
const mallory = newIdentity();
const fresh = bundleOf(alice, NOW - HOUR, 2);
const older = bundleOf(alice, NOW - 24 * HOUR, 1);
const giving = (name: string, ...bundles: Uint8Array[]) =>
  scriptedDirectory(name, async () => bundles.map((bundle) => ({ bundle, source: `${name}.test` })));
const failing = (name: string, error: unknown) => scriptedDirectory(name, () => Promise.reject(error));

function combine(...directories: ReturnType<typeof scriptedDirectory>[]) {
  const clock = manualClock();
  return { clock, all: createDirectories({ crypto, clock, directories }) };
}
const codes = (failures: readonly { readonly directory: string; readonly error: SottoError }[]) =>
  failures.map(({ directory, error }) => `${directory} ${error.code}`);

describe('several directories asked as one', () => {
  it('give what each has, the newest first, and say which answered', async () => {
    const { all } = combine(giving('old', older), giving('new', fresh), giving('none'));
    const { found, failures, empty } = await all.find(alice.publicKey);
    expect(found.map(({ directory, source, ageMs }) => ({ directory, source, ageMs }))).toEqual([
      { directory: 'new', source: 'new.test', ageMs: HOUR },
      { directory: 'old', source: 'old.test', ageMs: 24 * HOUR },
    ]);
    expect(found[0]?.bundle).toEqual(decodeBundle(fresh));
    expect(found[0]?.devices).toHaveLength(1);
    expect(failures).toEqual([]);
    expect(empty).toEqual(['none']);
  });

  it('are asked side by side: one that never answers keeps nobody else from it', async () => {
    let stopped = false;
    const hanging = scriptedDirectory('hanging', (_, signal) => {
      signal?.addEventListener('abort', () => {
        stopped = true;
      });
      return new Promise<never>(() => {});
    });
    const { clock, all } = combine(hanging, giving('prompt', fresh));
    const early: FoundBundle[] = [];
    const answers = all.find(alice.publicKey, { onFound: (one) => early.push(one) });
    await rest();
    expect(early.map(({ directory }) => directory)).toEqual(['prompt']);
    clock.advance(20_000);
    const { found, failures } = await answers;
    expect(found).toEqual(early);
    expect(codes(failures)).toEqual(['hanging TIMEOUT']);
    expect(stopped).toBe(true);
  });

  it('may fail, each in its own way, without an effect on the others', async () => {
    const gone = new SottoError('DIRECTORY_UNAVAILABLE', 'gone', { directory: 'gone', reason: 'gone' });
    const throwing = scriptedDirectory('throwing', () => {
      throw new TypeError('a fault of its own');
    });
    const { all } = combine(failing('gone', gone), throwing, giving('sound', fresh));
    const { found, failures } = await all.find(alice.publicKey);
    expect(found).toHaveLength(1);
    expect(codes(failures).sort()).toEqual(['gone DIRECTORY_UNAVAILABLE', 'throwing DIRECTORY_UNAVAILABLE']);
  });

  it('stop when the caller gives up', async () => {
    const { all } = combine(scriptedDirectory('hanging', () => new Promise<never>(() => {})));
    const controller = new AbortController();
    const answers = all.find(alice.publicKey, { signal: controller.signal });
    controller.abort();
    expect(await codeOf(answers)).toBe('ABORTED');
    expect(await codeOf(all.find(alice.publicKey, { signal: controller.signal }))).toBe('ABORTED');
  });

  it('need names that differ', () => {
    expect(() => combine(giving('same'), giving('same'))).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it('pass the name under which somebody was found on', async () => {
    const names: unknown[] = [];
    const named = scriptedDirectory('named', async () => [], {
      async find(_, options) {
        names.push(options?.name);
        return [];
      },
    });
    await combine(named).all.find(alice.publicKey, { name: 'alice.eth' });
    await combine(named).all.find(alice.publicKey);
    expect(names).toEqual(['alice.eth', undefined]);
  });
});

describe('a hostile directory', () => {
  it('that gives an older bundle than is known is refused', async () => {
    const { all } = combine(giving('rollback', older), giving('sound', fresh));
    const known = bundleTimestamp(NOW - HOUR);
    const { found, failures } = await all.find(alice.publicKey, { known });
    expect(found.map(({ directory }) => directory)).toEqual(['sound']);
    expect(codes(failures)).toEqual(['rollback BUNDLE_STALE']);
  });

  it("that gives another identity's bundle is refused", async () => {
    const { all } = combine(giving('swapped', bundleOf(mallory)));
    const { found, failures } = await all.find(alice.publicKey);
    expect(found).toEqual([]);
    expect(codes(failures)).toEqual(['swapped WRONG_IDENTITY']);
  });

  it('that gives a forged bundle is refused, whichever byte was changed', async () => {
    for (let at = 0; at < fresh.length; at += 7) {
      const forged = Uint8Array.from(fresh);
      forged[at] = (forged[at] as number) ^ 1;
      const { found, failures } = await combine(giving('forged', forged)).all.find(alice.publicKey);
      expect(found).toEqual([]);
      expect(failures).toHaveLength(1);
    }
  });

  it('that gives a bundle from the future is refused', async () => {
    const { all } = combine(giving('future', bundleOf(alice, NOW + HOUR)));
    expect(codes((await all.find(alice.publicKey)).failures)).toEqual(['future BUNDLE_IMPLAUSIBLE']);
  });

  it('that gives something else or too much is refused before work is done on it', async () => {
    const huge = new Uint8Array(100 * 1024 * 1024);
    const { all } = combine(
      giving('huge', huge),
      giving('text', encodeUtf8('<html>')),
      giving('empty', new Uint8Array(0)),
    );
    const { found, failures } = await all.find(alice.publicKey);
    expect(found).toEqual([]);
    expect(codes(failures).sort()).toEqual([
      'empty WRONG_IDENTITY',
      'huge LIMIT_EXCEEDED',
      'text MALFORMED_MESSAGE',
    ]);
  });

  it('that gives endless candidates is looked at only so far', async () => {
    const many = Array.from({ length: 10_000 }, () => bundleOfMallory);
    const { failures } = await combine(giving('endless', ...many)).all.find(alice.publicKey);
    expect(codes(failures)).toEqual([
      ...Array.from({ length: 4 }, () => 'endless WRONG_IDENTITY'),
      'endless LIMIT_EXCEEDED',
    ]);
  });
});

const bundleOfMallory = bundleOf(mallory);

describe('publishing to several directories', () => {
  const taking = (name: string, publishing: 'free' | 'paid' | 'transaction', taken: unknown[]) =>
    scriptedDirectory(name, async () => [], {
      capabilities: { publishing, updatedBy: 'identity-key', maxBundleBytes: 4096 },
      async publish({ sequence }) {
        taken.push([name, sequence]);
      },
    });

  it('reaches all that need no transaction, with the time of the bundle as sequence', async () => {
    const taken: unknown[] = [];
    const { all } = combine(
      taking('free', 'free', taken),
      taking('paid', 'paid', taken),
      taking('chain', 'transaction', taken),
      giving('read-only', fresh),
    );
    const outcomes = await all.publish({ identity: alice, bundle: fresh });
    expect(outcomes).toEqual([{ directory: 'free' }, { directory: 'paid' }]);
    expect(taken).toEqual([
      ['free', bundleTimestamp(NOW - HOUR)],
      ['paid', bundleTimestamp(NOW - HOUR)],
    ]);
    await all.publish({ identity: alice, bundle: fresh }, { only: ['paid'] });
    expect(taken).toHaveLength(3);
  });

  it('says what became of each', async () => {
    const taken: unknown[] = [];
    const refusing = scriptedDirectory('refusing', async () => [], {
      capabilities: { publishing: 'free', updatedBy: 'identity-key', maxBundleBytes: 4096 },
      publish: () => Promise.reject(new Error('a fault of its own')),
    });
    const { all } = combine(refusing, taking('free', 'free', taken));
    const [first, second] = await all.publish({ identity: alice, bundle: fresh });
    expect([first?.error?.code, second?.error]).toEqual(['DIRECTORY_UNAVAILABLE', undefined]);
  });

  it('publishes nothing that nobody would believe', async () => {
    const taken: unknown[] = [];
    const { all } = combine(taking('free', 'free', taken));
    expect(await codeOf(all.publish({ identity: mallory, bundle: fresh }))).toBe('WRONG_IDENTITY');
    expect(await codeOf(all.publish({ identity: alice, bundle: new Uint8Array(3) }))).not.toBe('resolved');
    expect(taken).toEqual([]);
  });
});
