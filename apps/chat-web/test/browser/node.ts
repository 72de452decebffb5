import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Whisper node, a process of its own. */
export interface Node {
  readonly url: string;
  /** Kills it: connections break, as when a node crashes. */
  stop(): Promise<void>;
  /** Starts it again where it was, with what it has archived. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const PROGRAM = join(
  dirname(createRequire(import.meta.url).resolve('@sotto/whisper-node/package.json')),
  'dist',
  'main.js',
);

export async function startNode(): Promise<Node> {
  const data = await mkdtemp(join(tmpdir(), 'sotto-chat-node-'));
  let running = await run(data, 0);
  const { url } = running;
  return {
    url,
    stop: () => running.stop(),
    async restart() {
      running = await run(data, Number(new URL(url).port));
    },
    async close() {
      await running.stop();
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function run(data: string, port: number) {
  const flags = [
    '--data',
    data,
    '--relay',
    `127.0.0.1:${port}`,
    '--rpc',
    'off',
    '--admin',
    'off',
    '--p2p',
    'off',
  ];
  const child = spawn(process.execPath, [PROGRAM, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const { event, relay, reason } = JSON.parse(line) as Record<string, string>;
      if (event === 'node.started') resolve(relay as string);
      if (event === 'node.not-started') reject(new Error(reason));
    });
  });
  return {
    url,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
