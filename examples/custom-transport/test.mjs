// Every case of the suite for carriers, each with a hub of its own.
import { carrierCases } from '@sotto/compliance/carrier';
import { createHubCarrier } from './carrier.mjs';
import { startHub } from './hub.mjs';

const cases = carrierCases();
for (const { name, run } of cases) {
  const hub = await startHub();
  try {
    await run({ carrier: () => createHubCarrier(hub.url) });
  } catch (cause) {
    throw new Error(`Failed: ${name}`, { cause });
  } finally {
    hub.stop();
  }
}
console.log(`did: ${cases.length} cases`);
