import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hasChromium, openProfile } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import { describe, expect, it } from 'vitest';
import { Person } from './person.js';

const COMMAND = fileURLToPath(new URL('../../../../scripts/chat.mjs', import.meta.url));

/** Runs `npm run chat` without its building, at any free ports, until told to stop. */
async function runCommand(data: string) {
  const child = spawn(process.execPath, [COMMAND, '--port', '0', '--relay-port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const printed = new Promise<string>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const [, address] = /Open (http:\S+)/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
  const url = await Promise.race([printed, ended]);
  if (typeof url !== 'string') throw new Error(`It ended with ${url}.`);
  return {
    url,
    stop() {
      child.kill('SIGINT');
      return ended;
    },
  };
}

describe.runIf(hasChromium())('npm run chat', () => {
  it('prints an address where two people can talk, and stops node and page', async () => {
    const data = temporaryDirectory();
    const command = await runCommand(data);
    const { node } = (await (await fetch(`${command.url}config.json`)).json()) as { node: string };
    const profiles = [await openProfile(), await openProfile()];
    try {
      const [alice, bob] = await Promise.all(
        profiles.map(({ context }) => Person.arrive(context, command.url)),
      );
      for (const person of [alice, bob]) await (person as Person).createAccount();
      await alice?.addByPicture((await bob?.cardPicture()) as string, 'Bob');
      await alice?.write('hello');
      await bob?.open('hello');
      await bob?.bubble('hello').waitFor();
    } finally {
      for (const profile of profiles) await profile.close();
      expect(await command.stop()).toBe(0);
    }
    await expect(fetch(command.url)).rejects.toThrow();
    await expect(fetch(node.replace('ws:', 'http:'))).rejects.toThrow();
  });

  it('says so when its port is taken, and leaves no node behind', async () => {
    const data = temporaryDirectory();
    const first = await runCommand(data);
    const other = temporaryDirectory();
    try {
      const flags = ['--port', new URL(first.url).port, '--relay-port', '0', '--data', other];
      const second = spawn(process.execPath, [COMMAND, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      second.stderr.on('data', (text) => {
        said += String(text);
      });
      // Its output ends when the node, which has the same standard error, has ended as well.
      const code = await new Promise((resolve) => second.once('close', resolve));
      expect(said).toContain('choose another --port');
      expect(code).toBe(1);
    } finally {
      expect(await first.stop()).toBe(0);
    }
  });
});
