import {
  type BundleCandidate,
  type BundleDirectory,
  type BundlePublication,
  copyBytes,
  type KeyPair,
  type PublicKey,
} from '@sotto/core';
import { expectThat, sameBytes } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';

/** A place that directories publish to and look in. Cases may share it, as each has identities of its own. */
export interface DirectoryFixture {
  /** The directory, for one more who looks in the same place. */
  directory(): BundleDirectory;
  /** An identity that has published nothing so far. */
  identity(): KeyPair;
  /** A bundle of the identity, another one for each sequence, signed where the directory checks that. */
  bundle(identity: KeyPair, sequence: bigint): Uint8Array;
  /** Time of the first bundle that a case publishes, in nanoseconds since the epoch. Default: 2026-11-23T12:00:00Z. */
  readonly firstSequence?: bigint | undefined;
  /** Makes the place unreachable until the returned function is called. */
  interrupt?(): Promise<() => Promise<void>>;
  /**
   * Publishes for a directory that doesn't do it itself: where an operator or a signed transaction does. Default:
   * the directory's own `publish`.
   */
  publish?(publication: BundlePublication): Promise<void>;
  /** The name under which an identity is found, for directories that go by names. */
  name?(identity: PublicKey): string;
}

/** One requirement on a directory. */
export interface DirectoryCase {
  /** Unique; begins with what it is about, as in `finding: ...`. */
  readonly name: string;
  /** Throws a plain Error that says what was expected when the directory doesn't meet it. */
  run(fixture: DirectoryFixture): Promise<void>;
}

const DEFAULT_FIRST_SEQUENCE = BigInt(Date.UTC(2026, 10, 23, 12)) * 1_000_000n;
const MINUTE_NS = 60_000_000_000n;

/** A place, and calls to it that can't hang. */
export class TestPlace {
  readonly fixture: DirectoryFixture;
  readonly timeLimit: TimeLimit;
  readonly directory: BundleDirectory;

  constructor(fixture: DirectoryFixture, timeLimit: TimeLimit) {
    this.fixture = fixture;
    this.timeLimit = timeLimit;
    this.directory = fixture.directory();
  }

  /** Sequences a minute apart, in the order of `n`. */
  sequence(n: number): bigint {
    return (this.fixture.firstSequence ?? DEFAULT_FIRST_SEQUENCE) + BigInt(n) * MINUTE_NS;
  }

  publication(identity: KeyPair, n: number): BundlePublication {
    const sequence = this.sequence(n);
    return { identity, bundle: this.fixture.bundle(identity, sequence), sequence };
  }

  /** Publishes the bundle of a number; returns its bytes. */
  async publish(identity: KeyPair, n: number): Promise<Uint8Array> {
    const publication = this.publication(identity, n);
    const expected = copyBytes(publication.bundle);
    await this.timeLimit.wait(this.publishAs(publication), 'publish resolves');
    return expected;
  }

  async publishAs(publication: BundlePublication, directory = this.directory): Promise<void> {
    if (this.fixture.publish) return this.fixture.publish(publication);
    expectThat(directory.publish !== undefined, 'the directory has publish');
    return directory.publish(publication);
  }

  async find(identity: PublicKey, directory = this.fixture.directory()): Promise<readonly BundleCandidate[]> {
    const name = this.fixture.name?.(identity);
    const found = directory.find(identity, { ...(name !== undefined && { name }) });
    return this.timeLimit.wait(found, 'find resolves');
  }

  /** @throws a plain Error unless that bundle is the first of those found */
  async expectFound(identity: PublicKey, bundle: Uint8Array, what: string): Promise<void> {
    const [first] = await this.find(identity);
    expectThat(first !== undefined, `${what} is found`);
    expectThat(sameBytes(first.bundle, bundle), `${what} is found as it was published`);
  }
}

export function atPlace(
  name: string,
  timeLimit: TimeLimit,
  run: (place: TestPlace) => Promise<void>,
): DirectoryCase {
  return { name, run: (fixture) => run(new TestPlace(fixture, timeLimit)) };
}
