import { isSottoError, SottoError, type Store, type Transport } from '@sotto/core';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { describe, expect, test } from 'vitest';
import { type AgentMessage, createAgent, openAccount, type Refusal } from '../src/index.js';
import { bytes, crypto, newScene } from './party.js';

const refusedBy = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return isSottoError(error) ? error.code : error;
  }
  return undefined;
};

/** A promise that the test settles. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('commands', () => {
  test('a command gets what follows its name, and replies where it was written', async () => {
    const scene = newScene();
    scene.agent.command('echo', 'repeats', ({ args, reply }) => reply(args));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('/Echo  two words \n and a line');
    expect(alice.heard).toEqual(['two words \n and a line']);
  });

  test('/help lists the commands, and an unknown one is pointed to it', async () => {
    const scene = newScene({ prefix: '!' });
    scene.agent.command('roll', 'rolls a die', () => {}).command('quiet', '', () => {});
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('!help');
    await alice.say('!role');
    expect(alice.heard).toEqual([
      '!roll: rolls a die\n!quiet',
      'There is no such command. !help lists the commands.',
    ]);
  });

  test('in a group, commands of others are not answered', async () => {
    const scene = newScene({ conversations: ['group'] });
    scene.agent.command('roll', 'rolls a die', ({ reply }) => reply('4'));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    const { group } = await alice.messenger.groups.create('Dice', [bot.identity]);
    await scene.quiet();
    for (const text of ['/rain', '/roll']) {
      await alice.messenger.send({ kind: 'group', groupId: group.id }, bytes(text));
      await scene.quiet();
    }
    expect(alice.heard).toEqual(['4']);
  });

  test('names that cannot be typed, or exist already, are refused', () => {
    const agent = createAgent().command('roll', '', () => {});
    expect(refusedBy(() => agent.command('roll', '', () => {}))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => agent.command('Roll', '', () => {}))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => agent.command('', '', () => {}))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => agent.command('dice', '', undefined as never))).toBe('INVALID_ARGUMENT');
  });
});

describe('messages', () => {
  test('all handlers get what is not a command, inside the middleware', async () => {
    const scene = newScene();
    const log: string[] = [];
    scene.agent
      .use(async ({ text }, next) => {
        log.push(`before ${text}`);
        await next();
        log.push(`after ${text}`);
      })
      .use(async ({ text }, next) => {
        if (text !== 'secret') await next();
      })
      .onMessage(({ text, command, args }) => log.push(`first ${text} ${command} ${args}`))
      .onMessage(() => log.push('second'));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('hello');
    await alice.say('secret');
    expect(log).toEqual([
      'before hello',
      'first hello undefined hello',
      'second',
      'after hello',
      'before secret',
      'after secret',
    ]);
  });

  test('a payload that is not text is handed over as it is, and a reply may be bytes', async () => {
    const scene = newScene();
    const got: AgentMessage[] = [];
    scene.agent.onMessage(async (message) => {
      got.push(message);
      await message.reply(bytes('raw'));
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say(Uint8Array.of(0, 255));
    expect(got[0]?.text).toBeUndefined();
    expect(got[0]?.args).toBe('');
    expect(got[0]?.payload).toEqual(Uint8Array.of(0, 255));
    expect(got[0]?.sender).toEqual(alice.messenger.identity);
    expect(alice.heard).toEqual(['raw']);
  });

  test('messages of one person are handled one after another, those of others meanwhile', async () => {
    const scene = newScene();
    const log: string[] = [];
    const slow = gate();
    scene.agent.onMessage(async ({ text }) => {
      log.push(`begin ${text}`);
      if (text === 'slow') await slow.opened;
      log.push(`end ${text}`);
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const [alice, carol] = [await scene.person(bot), await scene.person(bot)];
    await alice.say('slow');
    await alice.say('next');
    await carol.say('other');
    slow.open();
    await scene.quiet();
    expect(log).toEqual(['begin slow', 'begin other', 'end other', 'end slow', 'begin next', 'end next']);
  });

  test('of many conversations, only so many are handled at a time', async () => {
    const scene = newScene({ limits: { concurrent: 1 } });
    const log: string[] = [];
    const slow = gate();
    scene.agent.onMessage(async ({ text }) => {
      log.push(`${text}`);
      await slow.opened;
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const [alice, carol] = [await scene.person(bot), await scene.person(bot)];
    await alice.say('first');
    await carol.say('second');
    expect(log).toEqual(['first']);
    slow.open();
    await scene.quiet();
    expect(log).toEqual(['first', 'second']);
  });

  test('a kind of conversation that is not listed is ignored', async () => {
    const scene = newScene({ conversations: ['public'] });
    const log: unknown[] = [];
    scene.agent.onMessage(({ text }) => log.push(text));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    await bot.chats.join('sailing');
    const alice = await scene.person(bot);
    await alice.say('direct');
    await alice.messenger.send({ kind: 'public', name: 'sailing' }, bytes('ahoy'));
    await scene.quiet();
    expect(log).toEqual(['ahoy']);
  });
});

describe('failures', () => {
  test('a handler that throws is reported, and the next message is handled', async () => {
    const errors: unknown[] = [];
    const scene = newScene({
      async onError(error, { reply }) {
        errors.push(error);
        await reply('Sorry, that did not work.');
      },
    });
    const error = new Error('no');
    scene.agent.onMessage(({ text }) => {
      if (text === 'throw') throw error;
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('throw');
    await alice.say('fine');
    expect(errors).toEqual([error]);
    expect(alice.heard).toEqual(['Sorry, that did not work.']);
  });

  test('a handler that hangs ends with TIMEOUT, its signal fires, and the next message is handled', async () => {
    const errors: unknown[] = [];
    const scene = newScene({ onError: (error) => errors.push(error), limits: { handlerMs: 1_000 } });
    const signals: AbortSignal[] = [];
    scene.agent.onMessage(({ text, signal, reply }) => {
      signals.push(signal);
      return text === 'hang' ? new Promise<void>(() => {}) : reply('here');
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('hang');
    await alice.say('are you there?');
    expect(alice.heard).toEqual([]);
    scene.clock.advance(1_000);
    await scene.quiet();
    expect(errors.map((error) => isSottoError(error) && error.code)).toEqual(['TIMEOUT']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(alice.heard).toEqual(['here']);
  });

  test('onError that throws stops nothing', async () => {
    const scene = newScene({
      onError() {
        throw new Error('also');
      },
    });
    const log: unknown[] = [];
    scene.agent.onMessage(({ text }) => {
      log.push(text);
      throw new Error('no');
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('one');
    await alice.say('two');
    expect(log).toEqual(['one', 'two']);
  });
});

describe('who is answered', () => {
  test('blocked people and those not allowed reach no handler', async () => {
    const refused: Refusal['reason'][] = [];
    const allowed = new Set<Uint8Array>();
    const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, i) => byte === b[i]);
    const blocked: Uint8Array[] = [];
    const scene = newScene({
      allow: (identity) => [...allowed].some((one) => same(one, identity)),
      block: (identity) => blocked.some((one) => same(one, identity)),
      onRefused: ({ reason }) => refused.push(reason),
    });
    const log: unknown[] = [];
    scene.agent.onMessage(({ text }) => log.push(text));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const [alice, mallory] = [await scene.person(bot), await scene.person(bot)];
    allowed.add(alice.messenger.identity);
    await alice.say('allowed');
    await mallory.say('stranger');
    blocked.push(alice.messenger.identity);
    await alice.say('blocked');
    expect(log).toEqual(['allowed']);
    expect(refused).toEqual(['notAllowed', 'blocked']);
  });

  test('lists take keys of 33 and of 65 bytes', async () => {
    const [one, two, three] = [0, 0, 0].map(() => crypto.secp256k1.generateKeyPair());
    if (!one || !two || !three) throw new Error('unreachable');
    const scene = newScene({ allow: [crypto.secp256k1.uncompressPublicKey(one.publicKey), two.publicKey] });
    const log: unknown[] = [];
    scene.agent.onMessage(({ text }) => log.push(text));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    for (const [name, identity] of Object.entries({ one, two, three })) {
      const writer = await scene.messenger({ identity });
      await writer.start();
      await writer.contacts.add(await bot.contacts.ownCode());
      await writer.send(bot.identity, bytes(name));
      await scene.quiet();
    }
    expect(log).toEqual(['one', 'two']);
  });

  test('a sender who writes too much is refused until time has passed; others are not', async () => {
    const refused: Refusal['reason'][] = [];
    const scene = newScene({
      senderRate: { perMinute: 60, burst: 2 },
      onRefused: ({ reason }) => refused.push(reason),
    });
    const log: unknown[] = [];
    scene.agent.onMessage(({ text }) => log.push(text));
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const [alice, carol] = [await scene.person(bot), await scene.person(bot)];
    for (const text of ['1', '2', '3']) await alice.say(text);
    await carol.say('carol');
    scene.clock.advance(1_000);
    await alice.say('4');
    expect(log).toEqual(['1', '2', 'carol', '4']);
    expect(refused).toEqual(['rateLimited']);
  });

  test('all senders together are bounded too', async () => {
    const refused: Refusal['reason'][] = [];
    const scene = newScene({
      senderRate: false,
      totalRate: { perMinute: 60, burst: 1 },
      onRefused: ({ reason }) => refused.push(reason),
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    for (const person of [await scene.person(bot), await scene.person(bot)]) await person.say('hello');
    expect(refused).toEqual(['rateLimited']);
  });

  test('messages beyond the queue are dropped', async () => {
    const refused: Refusal['reason'][] = [];
    const scene = newScene({
      limits: { concurrent: 1, queued: 1 },
      onRefused: ({ reason }) => refused.push(reason),
    });
    const slow = gate();
    const log: unknown[] = [];
    scene.agent.onMessage(({ text }) => {
      log.push(text);
      return slow.opened;
    });
    const bot = await scene.messenger();
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    for (const text of ['1', '2', '3']) await alice.say(text);
    slow.open();
    await scene.quiet();
    expect(log).toEqual(['1', '2']);
    expect(refused).toEqual(['overloaded']);
  });

  test('options that make no sense are refused by name', () => {
    expect(refusedBy(() => createAgent({ allow: [Uint8Array.of(1)] }))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => createAgent({ block: 'all' as never }))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => createAgent({ senderRate: { perMinute: 0, burst: 1 } }))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => createAgent({ limits: { concurrent: 0 } }))).toBe('INVALID_ARGUMENT');
    expect(refusedBy(() => createAgent({ prefix: ' ' }))).toBe('INVALID_ARGUMENT');
  });
});

describe('running', () => {
  test('several identities in one process answer each as itself', async () => {
    const scene = newScene();
    const bots = [await scene.messenger(), await scene.messenger()];
    scene.agent.onMessage(async ({ messenger, reply }) => {
      await reply(`bot ${bots.indexOf(messenger)}`);
    });
    for (const bot of bots) await scene.agent.serve(bot);
    for (const [index, bot] of bots.entries()) {
      const person = await scene.person(bot);
      await person.say('who are you?');
      expect(person.heard).toEqual([`bot ${index}`]);
    }
  });

  test('stopping lets a running handler finish, and what waits is handled at the next start', async () => {
    const scene = newScene();
    const slow = gate();
    const log: unknown[] = [];
    scene.agent.onMessage(async ({ text, reply }) => {
      await slow.opened;
      log.push(text);
      await reply(`done ${text}`);
    });
    const kept = keptStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const bot = await scene.messenger({ identity, store: kept });
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('one');
    await alice.say('two');
    const stopped = scene.agent.stop();
    slow.open();
    await stopped;
    await scene.quiet();
    expect(log).toEqual(['one']);
    expect(alice.heard).toEqual(['done one']);

    const next = newScene();
    const later: unknown[] = [];
    next.agent.onMessage(({ text }) => later.push(text));
    await next.agent.serve(await next.messenger({ identity, store: kept }));
    await next.quiet();
    expect(later).toEqual(['two']);
  });

  test('a handler that ignores its signal does not keep the agent from stopping; its message comes again', async () => {
    const scene = newScene();
    const signals: AbortSignal[] = [];
    scene.agent.onMessage(({ signal }) => {
      signals.push(signal);
      return new Promise<void>(() => {});
    });
    const kept = keptStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const bot = await scene.messenger({ identity, store: kept });
    await scene.agent.serve(bot);
    const alice = await scene.person(bot);
    await alice.say('hang');
    const stopped = scene.agent.stop({ graceMs: 500 });
    expect(signals[0]?.aborted).toBe(false);
    scene.clock.advance(500);
    await stopped;
    expect(signals[0]?.aborted).toBe(true);

    const next = newScene();
    const later: unknown[] = [];
    next.agent.onMessage(({ text }) => later.push(text));
    await next.agent.serve(await next.messenger({ identity, store: kept }));
    await next.quiet();
    expect(later).toEqual(['hang']);
  });

  test('nothing can be served after stopping', async () => {
    const scene = newScene();
    await scene.agent.stop();
    await scene.agent.stop();
    await expect(scene.agent.serve(await scene.messenger())).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('an account is made once for each store', async () => {
    const store = createMemoryStore();
    const first = await openAccount(store, crypto);
    expect(await openAccount(store, crypto)).toEqual(first);
    expect((await openAccount(createMemoryStore(), crypto)).publicKey).not.toEqual(first.publicKey);
  });
});

/** A store that outlives its messenger. */
function keptStore(): Store {
  const store = createMemoryStore();
  return {
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => store.commit(writes, options),
    close: async () => {},
  };
}

test('stopped while it cannot connect, serving ends without an error', async () => {
  const nowhere: Transport = {
    capabilities: { maxPayloadBytes: 100_000, history: false, confirmsSend: false },
    connect: () => Promise.reject(new SottoError('TRANSPORT_UNAVAILABLE', 'Not here.', { reason: 'a test' })),
  };
  const messenger = await createMessenger({
    identity: crypto.secp256k1.generateKeyPair(),
    store: createMemoryStore(),
    transport: nowhere,
    crypto,
  });
  const agent = createAgent();
  const retried = new Promise<void>((resolve) => {
    void agent.serve(messenger, { retry: true, onRetry: () => resolve() }).then(() => ended());
  });
  let ended = () => {};
  const serving = new Promise<void>((resolve) => {
    ended = resolve;
  });
  await retried;
  await agent.stop();
  await serving;
});
