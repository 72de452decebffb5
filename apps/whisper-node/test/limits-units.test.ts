import type { IncomingMessage } from 'node:http';
import { addressName } from '@sotto/whisper-devp2p';
import { describe, expect, it } from 'vitest';
import { isAddressOrSubnet, TrustedProxies } from '../src/http/client-address.js';
import { FairQueue } from '../src/limits/fair-queue.js';
import { Quota } from '../src/limits/quota.js';
import { Rates } from '../src/limits/rates.js';

describe('what limits go by', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::9', '2001:db8:1:3::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('of %s it is %s', (address, name) => {
    expect(addressName(address)).toBe(name);
  });
});

describe('proxies', () => {
  const asked = (remoteAddress: string, forwarded?: string) =>
    ({
      socket: { remoteAddress },
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    }) as unknown as IncomingMessage;
  const proxies = new TrustedProxies(['10.0.0.0/8', '127.0.0.1', 'fd00::/8']);

  it.each([
    ['nobody trusted: what is said does not count', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['the one before the proxy', '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['as IPv6', '::ffff:127.0.0.1', '2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
    ['with a port', '127.0.0.1', '[2001:db8:1:2::4]:443', '2001:db8:1:2::/64'],
    ['what the client has made up stands before', '127.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['through two proxies', '127.0.0.1', '1.1.1.1,198.51.100.1, 10.1.1.1', '198.51.100.1'],
    ['nonsense', '127.0.0.1', '1.1.1.1, unknown', '127.0.0.1'],
    ['a proxy that says nothing', 'fd00::1', undefined, 'fd00:0:0:0::/64'],
  ])('%s', (_, remote, forwarded, client) => {
    expect(proxies.clientOf(asked(remote, forwarded))).toBe(client);
  });

  it('accepts addresses and subnets, and nothing else', () => {
    const all = [
      '10.0.0.1',
      '10.0.0.0/8',
      '::1',
      'fd00::/8',
      '10.0.0.0/33',
      'fd00::/129',
      'proxy',
      '1/2/3',
      '',
    ];
    expect(all.map(isAddressOrSubnet)).toEqual([true, true, true, true, false, false, false, false, false]);
  });
});

it('a quota is per client, and is returned', () => {
  const quota = new Quota(3);
  expect([quota.take('a', 2), quota.take('a', 2), quota.take('b', 3), quota.take('a')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  quota.give('a', 2);
  expect([quota.of('a'), quota.take('a', 2), quota.of('b')]).toEqual([1, true, 3]);
});

it('a rate is that of the address, whatever its clock does', () => {
  let now = 1_000_000;
  const clock = { now: () => now, after: () => () => {} };
  const rates = new Rates(clock, 10, 10);
  expect([rates.take('a', 10), rates.take('a', 5), rates.take('b', 10)]).toEqual([0, 500, 0]);
  expect([rates.take('a', 6), rates.take('a', 5)]).toEqual([undefined, 1_000]);
  now -= 3_600_000;
  expect(rates.take('a', 1)).toBeUndefined();
  now += 1_000;
  expect(rates.take('a', 0)).toBe(0);
});

describe('a fair queue', () => {
  const limits = { atOnce: 1, waitingPerClient: 3, waiting: 4 };

  it('alternates between clients', async () => {
    const queue = new FairQueue(limits);
    const order: string[] = [];
    const add = (client: string, name: string) =>
      queue.run(
        client,
        async () => {
          order.push(name);
        },
        () => new Error('too many'),
      );
    await Promise.all([add('a', 'a1'), add('a', 'a2'), add('a', 'a3'), add('b', 'b1')]);
    expect(order).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('refuses what is too much for one client, and for all, and goes on after a job that fails', async () => {
    const queue = new FairQueue(limits);
    let end = () => {};
    const blocking = queue.run('a', () => new Promise<void>((resolve) => (end = resolve)), Error);
    const outcomes = ['a', 'a', 'a', 'a', 'b', 'c'].map((client) =>
      queue
        .run(
          client,
          async () => {
            if (client === 'b') throw new Error('failed');
          },
          () => new Error('too many'),
        )
        .then(
          () => 'done',
          (error: Error) => error.message,
        ),
    );
    end();
    await blocking;
    expect(await Promise.all(outcomes)).toEqual(['done', 'done', 'done', 'too many', 'failed', 'too many']);
  });
});
