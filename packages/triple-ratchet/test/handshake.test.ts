import { acceptPqxdh, initiatePqxdh } from '@sotto/x3dh/pqxdh';
import { expect, it } from 'vitest';
import { startInitiator, startResponder } from '../src/index.js';
import { bytesOf, codeOf, crypto, exchange, Party, textOf } from './party.js';

const partyOf = (installationId: string) => ({
  identity: crypto.secp256k1.generateKeyPair(),
  installationId,
  bundleDigest: crypto.randomBytes(32),
});
const alice = partyOf('laptop');
const bob = partyOf('phone');
const preKeys = {
  signedPreKey: crypto.secp256k1.generateKeyPair(),
  curve25519PreKey: crypto.x25519.generateKeyPair(),
  kemPreKey: crypto.mlKem768.generateKeyPair(),
};

/** A session whose handshake the responder sees with these changes. */
function begin(changes: Partial<typeof bob> = {}) {
  const initiation = initiatePqxdh(crypto, {
    suite: 2,
    local: alice,
    remote: { ...bob, identity: bob.identity.publicKey },
    preKeys: {
      signedPreKey: preKeys.signedPreKey.publicKey,
      curve25519PreKey: preKeys.curve25519PreKey.publicKey,
      kemPreKey: preKeys.kemPreKey.encapsulationKey,
    },
  });
  const acceptance = acceptPqxdh(crypto, {
    local: { ...bob, ...changes },
    remote: { ...alice, identity: alice.identity.publicKey },
    preKeys,
    header: initiation.header,
  });
  return {
    initiator: new Party(startInitiator(crypto, initiation, preKeys.curve25519PreKey.publicKey)),
    responder: new Party(startResponder(crypto, acceptance, preKeys.curve25519PreKey)),
  };
}

it('a session begins with what PQXDH gives both sides', () => {
  const { initiator, responder } = begin();
  expect(textOf(responder.receive(initiator.send(bytesOf('hello'))))).toBe('hello');
  for (let round = 0; round < 40; round++) exchange(responder, initiator);
  expect(initiator.state.sparse.epoch).toBeGreaterThan(2);
});

it('with another view of the handshake no message is read, and none is even recognised', () => {
  const { initiator, responder } = begin({ bundleDigest: crypto.randomBytes(32) });
  const message = initiator.send(bytesOf('hello'));
  expect(codeOf(() => responder.receive(message))).toBe('not of this session');
});
