import type { Channel, TransportCapabilities } from '@sotto/core';
import { expectBytes, expectRejection, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { holds, onNetwork, type TransportCase } from './transport-case.js';

type Pseudonyms = TransportCapabilities['pseudonyms'];

/** Who signs what: with `both`, any key that a message names, and otherwise the identity alone. */
export function pseudonymCases(timeLimit: TimeLimit, pseudonyms: Pseudonyms): readonly TransportCase[] {
  return [
    onNetwork('pseudonyms: the capability is as promised', timeLimit, async (_network, fixture) => {
      const { capabilities } = fixture.transport();
      expectThat(
        capabilities.pseudonyms === pseudonyms,
        `capabilities.pseudonyms is ${pseudonyms ?? 'undefined'}`,
      );
    }),
    ...(pseudonyms === 'both' ? signing(timeLimit) : refusing(timeLimit)),
  ];
}

function signing(timeLimit: TimeLimit): readonly TransportCase[] {
  return [
    onNetwork(
      'pseudonyms: one that signs is the sender, and the next message has its own',
      timeLimit,
      async (network, fixture) => {
        const alice = await network.connect();
        const bob = await network.connect(network.channelsOf);
        const signer = fixture.identity();
        for (const channel of network.channelsOf(bob.identity)) {
          const payload = network.payload();
          await timeLimit.wait(alice.connection.send(channel, payload, { signer }), 'send resolves');
          await timeLimit.wait(bob.arrivals.until(holds(payload)), `it arrives by ${channel.kind}`);
          const [message] = bob.arrivals.all.filter(holds(payload));
          expectThat(message !== undefined, 'the message is there');
          expectBytes(message.sender, signer.publicKey, 'sender of a message with a signer');
          const plain = await network.bring(alice, channel, [bob]);
          const [next] = bob.arrivals.all.filter(holds(plain));
          expectThat(next !== undefined, 'the next message is there');
          expectBytes(next.sender, alice.identity.publicKey, 'sender of a message without a signer');
        }
      },
    ),
  ];
}

/** Sent with the identity after all, it would show what it was to hide. */
function refusing(timeLimit: TimeLimit): readonly TransportCase[] {
  return [
    onNetwork('pseudonyms: a signer is refused', timeLimit, async (network, fixture) => {
      const alice = await network.connect();
      const bob = await network.connect(network.channelsOf);
      const channel = network.channelsOf(bob.identity).at(-1) as Channel;
      const sending = alice.connection.send(channel, network.payload(), { signer: fixture.identity() });
      await timeLimit.wait(
        expectRejection(sending, 'INVALID_ARGUMENT', 'send with a signer'),
        'send with a signer settles',
      );
    }),
  ];
}
