// The process of one configuration of the messenger: measures whole messages.
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveMeasurements } from '../measuring.js';
import { startConversation, wholeScenarios } from './conversation.js';
import type { Setup, WholeScenarioId } from './library.js';

const [, , argument = ''] = process.argv;
const setup = JSON.parse(argument) as Setup;
const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-'));

serveMeasurements(
  async (scenario) => {
    const stores = join(folder, scenario.replaceAll(' ', '-'));
    await mkdir(stores);
    return wholeScenarios[scenario as WholeScenarioId].measure(await startConversation(setup, stores));
  },
  () => rmSync(folder, { recursive: true, force: true }),
);
