import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend } from '../stage.js';
import { viewWire } from '../wire-view.js';

export const ratchet: Chapter = {
  name: 'ratchet',
  title: 'A new key with every answer',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await befriend(alice, bob);

    stage.tell(
      'Each message has its own key, each answer starts a new chain of keys. It turns one way only, as a ratchet does: no key leads back to an older one.',
    );
    const lines = [
      [alice, bob, 'Psst, Bob.'],
      [bob, alice, 'Yes, Alice?'],
      [bob, alice, 'I am alone.'],
      [alice, bob, 'Is anyone listening?'],
      [bob, alice, 'Let them.'],
    ] as const;
    const sent: ReturnType<typeof lastSent>[] = [];
    for (const [from, to, text] of lines) {
      await stage.deliver(from, to, text, () => `chain ${lastSent(from).key}, no. ${lastSent(from).number}`);
      sent.push(lastSent(from));
    }
    const numbers = sent.map(({ number }) => number).join();
    stage.check('Four turns, four chains', new Set(sent.map(({ key }) => key)).size === 4);
    stage.check('Within a chain the messages are numbered', numbers === '0,0,1,0,0');
    // Her bundle went before, when she added Bob.
    const kinds = alice.tap.sent.map(({ payload }) => viewWire(payload).kind);
    const first = kinds.find((kind) => kind === 'X3DH' || kind === 'ratchet');
    stage.check(
      'Answered once, Alice no longer sends along how to begin (X3DH)',
      first === 'X3DH' && lastSent(alice).kind === 'ratchet',
    );
  },
};

function lastSent(device: Device): ReturnType<typeof viewWire> {
  return viewWire(device.tap.sent.at(-1)?.payload ?? new Uint8Array());
}
