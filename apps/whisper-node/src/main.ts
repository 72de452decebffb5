#!/usr/bin/env node
/** The program: settings, start, signals. */
import { readFile } from 'node:fs/promises';
import { type Config, ConfigError, parseConfig } from './config.js';
import { createLogger } from './log.js';
import { WhisperNode } from './node.js';

const BAD_SETTINGS = 2;

/** Not a flag, as anyone on the machine can read flags. */
async function readMailPassword(config: Config): Promise<string | undefined> {
  const file = config['mail-password-file'];
  if (file === '') return process.env['WHISPER_NODE_MAIL_PASSWORD'] || undefined;
  let password: string;
  try {
    password = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `--mail-password-file: has to be a file that can be read, not "${file}" (${code}).`,
    );
  }
  if (password === '')
    throw new ConfigError(`--mail-password-file: "${file}" is empty; put a password in it.`);
  return password;
}

async function run(): Promise<void> {
  const config = parseConfig(process.argv.slice(2), process.env);
  const mailPassword = await readMailPassword(config);
  const logger = createLogger(config['log-level']);
  const { node, addresses } = await WhisperNode.start(config, logger, mailPassword);
  logger.info('node.started', { ...addresses });
  let stopping = false;
  const stop = async (signal: string) => {
    // A second signal means not to wait.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info('node.stopping', { signal });
    await node.close();
    logger.info('node.stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
}

run().catch((error) => {
  if (error instanceof ConfigError) {
    (error.help ? process.stdout : process.stderr).write(`${error.message}\n`);
    process.exitCode = error.help ? 0 : BAD_SETTINGS;
    return;
  }
  createLogger('error').error('node.not-started', {
    reason: error instanceof Error ? error.message : String(error),
  });
  process.exitCode = 1;
});
