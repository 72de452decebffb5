import type { PublicKey } from '@sotto/core';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { MessengerContext } from '../runtime/context.js';
import type { LookUpOptions, LookUpTarget } from '../runtime/options.js';
import type { DirectoryState, LookUpResult, PinnedName } from '../runtime/results.js';
import { LookUps } from './look-up.js';
import { Names } from './names.js';
import { describeDirectory, Publisher } from './publisher.js';
import { Siblings } from './siblings.js';

/** How others are found, and how we are: look-ups, names, and publication in directories. Loaded when it is first needed. */
export class Discovery {
  readonly #context: MessengerContext;
  readonly #closed = new AbortController();
  readonly #names: Names;
  readonly #lookUps: LookUps;
  readonly #siblings: Siblings;
  readonly #publishers: readonly Publisher[];

  constructor(context: MessengerContext, subscriptions: Subscriptions) {
    const { signal } = this.#closed;
    const siblings = new Siblings(context);
    this.#siblings = siblings;
    this.#context = context;
    this.#names = new Names(context);
    this.#lookUps = new LookUps(context, subscriptions, this.#names, signal);
    this.#publishers = context.settings.directories
      .filter(({ capabilities: { publishing } }) => publishing === 'free' || publishing === 'paid')
      .map((directory) => new Publisher(context, directory, siblings, signal));
  }

  lookUp(target: LookUpTarget, options: LookUpOptions): Promise<LookUpResult> {
    return this.#lookUps.lookUp(target, options);
  }

  names(): Promise<readonly PinnedName[]> {
    return this.#context.runtime.read((tx) => this.#names.list(tx));
  }

  pinName(name: string, identity: PublicKey): Promise<PinnedName> {
    return this.#context.runtime.transaction((tx) => this.#names.pin(tx, name, identity));
  }

  forgetName(name: string): Promise<void> {
    return this.#context.runtime.transaction(async (tx) => this.#names.forget(tx, name));
  }

  directories(): Promise<readonly DirectoryState[]> {
    const { runtime, settings } = this.#context;
    return runtime.read((tx) =>
      Promise.all(settings.directories.map((directory) => describeDirectory(tx, directory))),
    );
  }

  /** Leaves a device of ours out of what is published from now on. */
  unlink(installationId: string): Promise<void> {
    return this.#context.runtime.transaction(async (tx) => {
      await this.#siblings.unlink(tx, installationId);
      for (const publisher of this.#publishers) await publisher.makeDue(tx);
    });
  }

  /**
   * Publishes in the background what is due, and goes on with that until {@link close}.
   * @param impatient tries again at once what failed
   */
  publish(impatient: boolean): void {
    if (this.#closed.signal.aborted) return;
    for (const publisher of this.#publishers) void publisher.check(impatient);
  }

  /** Gives up all that is in progress. The messenger is closed. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#publishers.map((publisher) => publisher.settled()));
  }
}
