import { type CryptoProvider, createPortableProvider } from '@sotto/crypto';
import { createAcceleratedProvider } from '@sotto/crypto/accelerated';
import { loadWebAssemblyProvider } from '@sotto/crypto/webassembly';
import { describeMachine } from '../machine.js';
import type { Pace } from '../report.js';
import { type Leakage, measureLeakage, type TimedOperation } from './leakage.js';
import { operationsOf, plantedLeak } from './operations.js';

/** Above it, times of two classes differ; the threshold of dudect. */
const THRESHOLD = 4.5;

/** Measures whether secrets show in the time of each provider's operations. */
export async function measureTiming(pace: Pace): Promise<void> {
  const measuring = {
    milliseconds: pace.short ? 50 : 20 * pace.milliseconds,
    random: Math.random,
    now: process.hrtime.bigint,
  };
  const providers: readonly CryptoProvider[] = [
    createPortableProvider(),
    await loadWebAssemblyProvider(),
    createAcceleratedProvider(),
  ];
  const line = (who: string, { what, classes }: TimedOperation, { t, measurements, difference }: Leakage) =>
    process.stdout.write(
      `${who.padEnd(12)} ${what.padEnd(22)} |t| ${t.toFixed(1).padStart(6)} ${t > THRESHOLD ? 'DIFFERS' : 'alike  '} ` +
        `${`${(100 * difference).toFixed(2)} %`.padStart(9)} of ${measurements.toLocaleString('en')}; ${classes}\n`,
    );
  process.stdout.write(`${describeMachine()}\n`);
  const planted = plantedLeak(providers[0] as CryptoProvider);
  line('', planted, measureLeakage(planted, measuring));
  for (const provider of providers)
    for (const operation of operationsOf(provider))
      line(provider.name, operation, measureLeakage(operation, measuring));
}
