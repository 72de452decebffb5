import { EventEmitter } from 'node:events';
import { manualClock } from '@sotto/testing/clock';
import type pg from 'pg';
import { expect, it } from 'vitest';
import { LockSession } from '../src/postgres/lock-session.js';

const LEASE_MS = 3_000;

/** A connection to a server that ends it when nothing comes for as long as the lease. */
class PretendClient extends EventEmitter {
  readonly #clock: ReturnType<typeof manualClock>;
  #cancel = () => {};
  isLost = false;

  constructor(clock: ReturnType<typeof manualClock>) {
    super();
    this.#clock = clock;
    this.#hear();
  }

  async query(_text: string) {
    if (this.isLost) throw new Error('the connection is gone');
    this.#hear();
    return { rows: [{ locked: true }] };
  }

  async end() {
    this.#cancel();
  }

  lose() {
    this.#cancel();
    this.isLost = true;
    this.emit('end');
  }

  #hear() {
    this.#cancel();
    this.#cancel = this.#clock.after(LEASE_MS, () => this.lose());
  }
}

function lockSession(onRegained: () => Promise<void>) {
  const clock = manualClock();
  const clients: PretendClient[] = [];
  const connect = async () => {
    const client = new PretendClient(clock);
    clients.push(client);
    return client as unknown as pg.Client;
  };
  return {
    clock,
    clients,
    opening: LockSession.open({ connect, holder: '1', leaseMs: LEASE_MS, clock, onRegained }),
  };
}

it('a lock that was regained is kept, however long it takes to find out what others have taken meanwhile', async () => {
  let end = () => {};
  let asked = 0;
  const { clock, clients, opening } = lockSession(() => {
    asked++;
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  const session = await opening;
  await clock.advanceAndRest(10 * LEASE_MS);
  expect(clients).toHaveLength(1);
  clients[0]?.lose();
  await clock.advanceAndRest(10 * LEASE_MS);
  expect([clients.length, clients[1]?.isLost, asked]).toEqual([2, false, 1]);
  await session.held();
  const closing = session.close();
  end();
  await closing;
});

it('is taken anew when that fails, and not without a pause', async () => {
  let failures = 3;
  const { clock, clients, opening } = lockSession(async () => {
    if (failures-- > 0) throw new Error('not now');
  });
  const session = await opening;
  clients[0]?.lose();
  await clock.advanceAndRest(100);
  expect(clients.length).toBeLessThanOrEqual(2);
  await clock.advanceAndRest(10 * LEASE_MS);
  expect([clients.length, clients.at(-1)?.isLost]).toEqual([5, false]);
  await session.close();
  expect(clock.next()).toBeUndefined();
});
