import { once } from 'node:events';
import { connect } from 'node:net';
import { decodeHex, type KeyPair, systemClock } from '@sotto/core';
import { enodeId, parseEnode } from '../src/host/enode.js';
import { type EncodedPacket, encodePacket, type WhisperPacket } from '../src/packets/packet.js';
import { newPortableMacHash } from '../src/rlpx/mac-hash.js';
import { RlpxSession } from '../src/rlpx/rlpx-session.js';
import { crypto } from './envelopes.js';
import { waiter } from './hosts.js';

/** A peer that sends what it is told to, sound or not. */
export interface RawPeer {
  readonly id: string;
  readonly session: RlpxSession;
  /** Whisper packets that came. */
  readonly received: EncodedPacket[];
  send(...packets: readonly (WhisperPacket | EncodedPacket)[]): void;
  /** Resolves when so many packets have come. */
  count(most: number): Promise<void>;
  /** Resolves when the connection has ended: why, in the words of devp2p. */
  ended(): Promise<string>;
}

/**
 * Calls a host and says hello.
 * @param claimedId whom it says in its hello to be
 */
export async function rawPeer(
  enode: string,
  nodeKey: KeyPair = crypto.secp256k1.generateKeyPair(),
  claimedId?: string,
): Promise<RawPeer> {
  const { id: remoteId, host, port } = parseEnode(crypto, enode);
  const id = enodeId(crypto, nodeKey.publicKey);
  const socket = connect({ host, port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const received: EncodedPacket[] = [];
  const { changed, until } = waiter();
  let ready = false;
  let ended = false;
  const session = new RlpxSession(
    {
      socket,
      crypto,
      clock: systemClock,
      nodeKey,
      id: decodeHex(claimedId ?? id),
      remoteId: decodeHex(remoteId),
      clientId: 'raw',
      listenPort: 0,
      maxPacketBytes: 2 ** 24,
      // In JavaScript, unlike the host, so that both are known to do the same.
      newMacHash: newPortableMacHash,
    },
    {
      onReady: () => {
        ready = true;
        changed();
      },
      onPacket: (packet) => {
        received.push(packet);
        changed();
      },
      onViolation: () => {},
      onClosed: () => {
        ended = true;
        changed();
      },
    },
  );
  await until(() => ready || ended);
  return {
    id,
    session,
    received,
    send(...packets) {
      for (const packet of packets) session.send('kind' in packet ? encodePacket(packet) : packet);
    },
    count: (most) => until(() => received.length >= most),
    async ended() {
      await until(() => ended);
      return session.endReason ?? 'no reason';
    },
  };
}

/** What a plain node says first. */
export const STATUS: WhisperPacket = {
  kind: 'status',
  status: { minimumPow: 0, bloom: undefined, lightNode: false },
};
