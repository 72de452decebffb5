// What each runtime is asked: the suites of provider and stores, the example of the README, a messenger over a socket.
import { providerCases } from '@sotto/compliance/crypto-provider';
import { storeCases } from '@sotto/compliance/store';
import { createPortableProvider, defaultProvider } from '@sotto/crypto';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { talk } from './talk.mjs';

const memory = { fixture: () => ({ open: async () => createMemoryStore() }), durable: false };

/**
 * @param relay address of a relay
 * @param stores by name: `{ fixture(), durable? }`, besides the one in memory
 * @returns what was done
 */
export async function checkRuntime(relay, stores = {}) {
  // The default of browsers leaves out X25519, which nothing here needs.
  const provider = 'x25519' in defaultProvider() ? defaultProvider() : createPortableProvider();
  const cases = providerCases();
  for (const { name, run } of cases) attempt(`provider, ${name}`, () => run(provider));

  const all = { memory, ...stores };
  for (const [store, { fixture, durable = true }] of Object.entries(all)) {
    for (const { name, run } of storeCases({ durable, records: 500 })) {
      await attemptAsync(`${store}, ${name}`, async () => run(await fixture()));
    }
  }

  await talk();
  const transports = [0, 1].map(() => createSealedTransport(createRelayCarrier({ url: relay })));
  await talk({ transports });
  return `${cases.length} cases of the provider \`${provider.name}\`; stores: ${Object.keys(all).join(', ')}; a message in memory; a message over a socket`;
}

function attempt(what, work) {
  try {
    work();
  } catch (error) {
    throw failure(what, error);
  }
}

async function attemptAsync(what, work) {
  try {
    await work();
  } catch (error) {
    throw failure(what, error);
  }
}

const failure = (what, error) => new Error(`${what}: ${error.stack ?? error}`, { cause: error });
