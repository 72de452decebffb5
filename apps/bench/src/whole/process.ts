// The process of one configuration of the messenger: measures whole messages.
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres, PostgresServer } from '@sotto/testing/postgres';
import { serveMeasurements } from '../measuring.js';
import { startConversation, wholeScenarios } from './conversation.js';
import type { Setup, WholeScenarioId } from './library.js';

const [, , argument = ''] = process.argv;
const setup = JSON.parse(argument) as Setup;
const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-'));
/** On this machine, with its log on the same disk as the other stores. */
let server: Promise<PostgresServer> | undefined;

/** Where a scenario keeps its stores. */
async function newPlace(scenario: string): Promise<string> {
  if (setup.store === 'postgres') {
    server ??= PostgresServer.start(findPostgres() as string);
    return (await server).createDatabase();
  }
  const place = join(folder, scenario.replaceAll(' ', '-'));
  await mkdir(place);
  return place;
}

serveMeasurements(
  async (scenario) => {
    const conversation = await startConversation(setup, await newPlace(scenario));
    return wholeScenarios[scenario as WholeScenarioId].measure(conversation);
  },
  async () => {
    await (await server)?.close();
    rmSync(folder, { recursive: true, force: true });
  },
);
