import { manualClock } from '@sotto/testing/clock';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { PROFILE_2020, PROFILE_2024 } from '../../src/index.js';
import { newParty, quiet } from './party.js';
import { crypto, StatusPeer } from './status-peer.js';

const { cases } = loadVectors('status-application');
const keyPairOf = (hex: string) => crypto.secp256k1.keyPairFromPrivateKey(unhex(hex));

describe('what deployed clients have sent, played again', () => {
  it.each(cases.chains.map((chain) => [chain.name, chain] as const))('%s', async (_, chain) => {
    const { chatMessage, generation, metadata, mvds, recipient, toEncryptionLayer, toTransport } = chain;
    const network = createMemoryNetwork();
    const clock = manualClock(Number(chatMessage.fields['timestamp']));
    const sender = keyPairOf(metadata.authorPrivate);
    const us = recipient === undefined ? crypto.secp256k1.generateKeyPair() : keyPairOf(recipient.private);
    const isOwn = crypto.equalBytes(us.publicKey, sender.publicKey);
    const profile = generation === '2020' ? PROFILE_2020 : PROFILE_2024;
    const party = await newParty(network, clock, 'sotto-1', { identity: us, profile });
    const peer = await StatusPeer.open(network, clock, generation, sender);
    if (!isOwn) await party.messenger.contacts.add(await peer.messenger.contacts.ownCode());
    await peer.messenger.contacts.add(await party.messenger.contacts.ownCode());
    await quiet(network, party, peer);

    const { chatId, text } = chatMessage.fields as { readonly chatId: string; readonly text: string };
    const bytes = unhex((toEncryptionLayer ?? toTransport) as string);
    if (recipient !== undefined) {
      for (let copy = 0; copy < 2; copy++) await peer.send(us, bytes);
    } else {
      await party.messenger.chats.join(chatId);
      if (toTransport === undefined) await peer.messenger.send({ kind: 'public', name: chatId }, bytes);
      else {
        const connection = await network.transport().connect({ identity: sender, onMessage: async () => {} });
        await connection.send({ kind: 'public', name: chatId }, bytes);
      }
    }
    await quiet(network, party, peer);

    const said = party.contents.filter(({ what }) => what === 'message');
    expect(said).toMatchObject([
      {
        messageId: `0x${metadata.messageId}`,
        own: isOwn,
        body: { kind: 'text', text },
        author: sender.publicKey,
      },
    ]);
    const [content] = said;
    if (content?.what !== 'message') throw new Error('No message.');
    const { conversation } = content;
    if (recipient === undefined) expect(conversation).toEqual({ kind: 'public', name: chatId });
    else if (isOwn) expect(conversation).toMatchObject({ kind: 'direct', peer: unhex(chatIdKey(chatId)) });
    else expect(conversation).toEqual({ kind: 'direct', peer: sender.publicKey });
    expect(new Set(peer.acks)).toEqual(new Set((mvds?.messages ?? []).map(({ id }) => id)));
    expect(party.refused).toEqual([]);
  });
});

/** 33 bytes of a key as chat ids have it, in hex. */
function chatIdKey(chatId: string): string {
  const key = crypto.secp256k1.parsePublicKey(unhex(chatId.slice(2)));
  return Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
