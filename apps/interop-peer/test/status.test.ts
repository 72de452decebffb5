import { temporaryDirectory } from '@sotto/testing/files';
import { describe, expect, it } from 'vitest';
import { type Answer, PeerProcess } from './peer-process.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');

interface Sent {
  readonly kind: string;
  readonly to?: string;
  readonly name?: string;
  readonly message: string;
}

/** Devices that talk as Status clients do, and the messages that the test carries between them. */
class World {
  readonly peer = new PeerProcess();
  readonly identities = new Map<string, string>();
  readonly #chats = new Map<string, Set<string>>();
  /** Everything that devices reported, by device. */
  readonly news = new Map<string, Answer[]>();
  /** Devices that receive nothing. */
  readonly away = new Set<string>();

  async open(device: string, fields: object = {}): Promise<Answer> {
    const answer = await this.peer.ask(device, 'statusOpen', { install: `${device}-1`, now: NOW, ...fields });
    this.identities.set(device, answer['identity']);
    await this.#carry(device, answer);
    return answer;
  }

  /** A command, and the delivery of all that follows from it. */
  async ask(device: string, cmd: string, fields: object = {}): Promise<Answer> {
    const answer = await this.peer.ask(device, cmd, fields);
    if (cmd === 'statusJoinChat') {
      const { chat } = fields as { chat: string };
      this.#chats.set(chat, (this.#chats.get(chat) ?? new Set()).add(device));
    }
    await this.#carry(device, answer);
    return answer;
  }

  of(device: string, field: string): readonly Answer[] {
    return (this.news.get(device) ?? []).flatMap((answer) => (answer[field] as Answer[] | undefined) ?? []);
  }

  id(device: string): string {
    return this.identities.get(device) as string;
  }

  async #carry(device: string, answer: Answer): Promise<void> {
    this.news.set(device, [...(this.news.get(device) ?? []), answer]);
    const from = this.identities.get(device);
    for (const { kind, to, name, message } of (answer['sent'] ?? []) as Sent[]) {
      for (const other of this.identities.keys()) {
        const isFor =
          kind === 'public'
            ? this.#chats.get(name as string)?.has(other)
            : kind === 'negotiated' || to === this.id(other);
        if (other === device || !isFor || this.away.has(other)) continue;
        const chat = kind === 'public' ? { chat: name } : {};
        await this.#carry(other, await this.peer.ask(other, 'statusHandle', { from, message, ...chat }));
      }
    }
  }
}

async function friends(): Promise<World> {
  const world = new World();
  await world.open('alice', { displayName: 'alice_in_port' });
  await world.open('bob', { profile: '2024' });
  for (const [one, other] of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ] as const) {
    const { contactCode } = await world.ask(other, 'statusCode');
    await world.ask(one, 'statusAdd', { contactCode });
  }
  return world;
}

describe('devices that talk as Status clients do', () => {
  it('texts, replies, edits, reactions, pictures and deletions', async () => {
    const world = await friends();
    const to = world.id('bob');
    const { messageId } = await world.ask('alice', 'statusText', { to, text: 'ahoy' });
    expect(world.of('alice', 'delivered')).toEqual([{ messageId, to }]);
    const [heard] = world.of('bob', 'contents').filter(({ what }) => what === 'message');
    expect(heard).toMatchObject({
      messageId,
      from: world.id('alice'),
      with: world.id('alice'),
      body: { kind: 'text', text: 'ahoy' },
      displayName: 'alice_in_port',
      own: false,
    });
    const back = { to: world.id('alice'), target: messageId };
    await world.ask('bob', 'statusText', { to: back.to, text: 'ahoy back', replyTo: messageId });
    await world.ask('bob', 'statusReact', { ...back, reaction: 1 });
    await world.ask('alice', 'statusEdit', { to, target: messageId, text: 'ahoy there' });
    await world.ask('alice', 'statusImage', { to, payload: '8950', format: 1 });
    await world.ask('alice', 'statusDelete', { to, target: messageId });
    expect(world.of('alice', 'contents').map(({ what }) => what)).toEqual(['message', 'reaction']);
    expect(world.of('bob', 'contents').slice(-3)).toMatchObject([
      { what: 'edit', target: messageId, text: 'ahoy there' },
      { what: 'message', body: { kind: 'image', image: { payload: '8950' } } },
      { what: 'delete', target: messageId },
    ]);
  });

  it('repeats when the clock is moved, until the acknowledgement', async () => {
    const world = await friends();
    world.away.add('bob');
    const { messageId } = await world.ask('alice', 'statusText', { to: world.id('bob'), text: 'there?' });
    const { sent } = await world.ask('alice', 'clock', { now: NOW + 26_000 });
    expect(sent).toEqual([]);
    world.away.delete('bob');
    await world.ask('alice', 'clock', { now: NOW + 40_000 });
    expect(world.of('alice', 'delivered')).toMatchObject([{ messageId }]);
    expect(world.of('bob', 'contents').filter(({ what }) => what === 'message')).toHaveLength(1);
  });

  it('public chats', async () => {
    const world = await friends();
    for (const device of ['alice', 'bob']) await world.ask(device, 'statusJoinChat', { chat: 'sailing' });
    await world.ask('alice', 'statusText', { chat: 'sailing', text: 'ahoy all' });
    expect(world.of('bob', 'contents').at(-1)).toMatchObject({ chat: 'sailing', body: { text: 'ahoy all' } });
  });

  it('contact requests and groups', async () => {
    const world = new World();
    await world.open('alice');
    await world.open('bob');
    const { contactCode } = await world.ask('alice', 'statusCode');
    await world.ask('bob', 'statusAdd', { contactCode });
    await world.ask('bob', 'statusRequest', { to: world.id('alice'), text: 'shall we?' });
    expect(world.of('alice', 'requests')).toEqual([world.id('bob')]);
    const of = world.id('bob');
    expect(await world.ask('alice', 'statusContact', { of })).toMatchObject({ state: 'received' });
    await world.ask('alice', 'statusAccept', { of });
    expect(await world.ask('bob', 'statusContact', { of: world.id('alice') })).toMatchObject({
      state: 'mutual',
      profile: '2024',
    });
    const made = await world.ask('bob', 'statusGroup', { name: 'crew', members: [world.id('alice')] });
    expect(made).toMatchObject({ name: 'crew', state: 'joined', admins: [world.id('bob')] });
    const { group } = made;
    const { groups } = await world.ask('bob', 'statusGroups');
    expect(groups[0].joined).toEqual([world.id('bob'), world.id('alice')]);
    await world.ask('alice', 'statusText', { group, text: 'all hands' });
    expect(world.of('bob', 'contents').at(-1)).toMatchObject({ group, body: { text: 'all hands' } });
    const change = { group, what: 'rename', name: 'old crew' };
    expect(await world.ask('bob', 'statusGroupChange', change)).toMatchObject({ name: 'old crew' });
    expect(await world.peer.refused('bob', 'statusGroupChange', { group, what: 'burn' })).toBe(
      'INVALID_ARGUMENT',
    );
  });

  it('a store goes on where it stopped; wrong commands and messages change nothing', async () => {
    const world = await friends();
    const db = temporaryDirectory();
    const { identity } = (await world.open('carol', { db })) as { identity: string };
    await world.peer.ask('carol', 'close');
    expect((await world.open('carol', { db }))['identity']).toBe(identity);
    const refused = (cmd: string, fields: object = {}) => world.peer.refused('carol', cmd, fields);
    expect(await refused('direct', { to: world.id('bob'), payload: '00' })).toBe('INVALID_ARGUMENT');
    expect(await refused('statusText', { text: 'nowhere' })).toBe('INVALID_ARGUMENT');
    expect(await refused('statusText', { to: world.id('bob'), text: ' ' })).toBe('INVALID_TEXT');
    expect(await refused('statusGroup', { name: 'x', members: 'bob' })).toBe('INVALID_ARGUMENT');
    const garbage = { from: world.id('bob'), message: '00ff' };
    expect(await world.peer.ask('carol', 'statusHandle', garbage)).toMatchObject({
      refused: [{ from: world.id('bob'), code: 'MALFORMED_MESSAGE' }],
      sent: [],
    });
  });

  it('killed with -9: what was sent is repeated until acknowledged, and what was received is not shown twice', async () => {
    const alices = temporaryDirectory();
    const bobs = temporaryDirectory();
    let [a, b] = [new PeerProcess(), new PeerProcess()];
    const open = (peer: PeerProcess, device: string, db: string, now = NOW) =>
      peer.ask(device, 'statusOpen', { install: `${device}-1`, db, now });
    const alice = (await open(a, 'alice', alices))['identity'];
    const bob = (await open(b, 'bob', bobs))['identity'];
    await b.ask('bob', 'statusAdd', { of: alice });
    const { contactCode } = await b.ask('bob', 'statusCode');
    await a.ask('alice', 'statusAdd', { contactCode });
    const first = await a.ask('alice', 'statusText', { to: bob, text: 'ahoy' });
    const { messageId } = first;

    await a.kill();
    a = new PeerProcess();
    await open(a, 'alice', alices);
    const again = await a.ask('alice', 'clock', { now: NOW + 40_000 });
    expect(again['sent']).toHaveLength(1);
    expect(again['sent'][0].message).not.toBe(first['sent'].at(-1).message);

    const carry = (message: string) => b.ask('bob', 'statusHandle', { from: alice, message });
    const read = await carry(again['sent'][0].message);
    expect(read['contents']).toMatchObject([{ messageId, body: { text: 'ahoy' } }]);
    await b.kill();
    b = new PeerProcess();
    await open(b, 'bob', bobs);
    const repeated = await carry(first['sent'].at(-1).message);
    expect(repeated['contents']).toBeUndefined();
    expect(repeated['refused']).toBeUndefined();

    // The copy that came late is acknowledged as well; the acknowledgement of the other one left before the end.
    const delivered: unknown[] = [];
    for (const { kind, to, message } of [...read['sent'], ...repeated['sent']] as Sent[]) {
      if (kind !== 'negotiated' && to !== alice) continue;
      const answer = await a.ask('alice', 'statusHandle', { from: bob, message });
      delivered.push(...((answer['delivered'] as unknown[] | undefined) ?? []));
    }
    expect(delivered).toEqual([{ messageId, to: bob }]);
    expect((await a.ask('alice', 'clock', { now: NOW + 4_000_000 }))['sent']).toEqual([]);
  });
});
