import { type Clock, type KeyPair, silentLogger } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { DEFAULT_LIMITS, type MessengerLimits } from '../src/index.js';
import { crypto } from './world.js';

/** Settings of a messenger of which a test takes a part alone, by default on a network with nobody else. */
export function settingsOf(
  identity: KeyPair,
  clock: Clock,
  limits: Partial<MessengerLimits> = {},
  transport = createMemoryNetwork().transport(),
) {
  return {
    crypto,
    identity,
    clock,
    logger: silentLogger,
    limits: { ...DEFAULT_LIMITS, ...limits },
    transport,
    directories: [],
    names: undefined,
    sealsMessages: false,
  };
}
