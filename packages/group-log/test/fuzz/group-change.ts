import { createPortableProvider } from '@sotto/crypto';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { parseChange, signChange } from '../../src/index.js';

const crypto = createPortableProvider();
const [author, other] = [1, 2].map((byte) =>
  crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(byte)),
);

export default {
  about: 'signed changes of groups',
  *seeds() {
    if (author === undefined || other === undefined) return;
    const create = { kind: 'create', name: 'sailing', members: [other.publicKey] } as const;
    const salt = new Uint8Array(16);
    const root = signChange(crypto, author, {
      groupId: undefined,
      parents: [],
      time: 1,
      action: create,
      salt,
    });
    yield root;
    const { id } = parseChange(crypto, root);
    const named = { groupId: id, parents: [id], time: 2 };
    yield signChange(crypto, author, { ...named, action: { kind: 'rename', name: 'rowing' } });
    yield signChange(crypto, author, { ...named, action: { kind: 'add', identities: [other.publicKey] } });
    yield signChange(crypto, other, { ...named, action: { kind: 'leave' } });
  },
  run(data) {
    const { id } = parseChange(crypto, data);
    demand(/^[0-9a-f]{64}$/.test(id), 'Not an id.');
  },
} satisfies FuzzTarget;
