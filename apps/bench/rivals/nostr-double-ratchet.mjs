// JavaScript, secp256k1. Its plaintexts are texts and its messages signed events; a session begins from an invite, which is
// taken as the agreement of keys.
import { Session } from 'nostr-double-ratchet';
import { generateSecretKey, getPublicKey, nip44 } from 'nostr-tools';

export async function createLibrary() {
  const secretB = generateSecretKey();
  const publicB = getPublicKey(secretB);
  const decoder = new TextDecoder('latin1');
  const texts = new WeakMap();
  const textOf = (bytes) => {
    let text = texts.get(bytes);
    if (text === undefined) {
      text = decoder.decode(bytes.map((byte) => 32 + (byte & 63)));
      texts.set(bytes, text);
    }
    return text;
  };
  const party = (session) => ({
    encrypt: (plaintext) => session.sendEvent({ kind: 14, content: textOf(plaintext), tags: [] }).event,
    decrypt(event) {
      const rumor = session.receiveEvent(event);
      if (rumor === undefined) throw new Error('not opened');
      return rumor;
    },
  });
  return {
    async begin() {
      const secretA = generateSecretKey();
      const publicA = getPublicKey(secretA);
      const shared = nip44.getConversationKey(secretA, publicB);
      nip44.getConversationKey(secretB, publicA);
      const initiator = Session.init(publicB, secretA, true, shared);
      const responder = Session.init(publicA, secretB, false, shared);
      return [party(initiator), party(responder)];
    },
  };
}
