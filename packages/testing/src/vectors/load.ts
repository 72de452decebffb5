import { readFileSync } from 'node:fs';
import { isInteger, parse } from 'lossless-json';
import type {
  AccountCase,
  BundleCase,
  DhKeyCase,
  DoubleRatchetCases,
  ProtocolSessionCase,
  Rfc26PayloadCases,
  StatusApplicationCases,
  StatusMailserverCases,
  TopicCases,
  VectorFile,
  WhisperEnvelopeCase,
  WhisperRpcCase,
  X3dhCase,
} from './shapes.js';

/** The files, by name without `.json`. */
export interface VectorFiles {
  readonly account: VectorFile<readonly AccountCase[]>;
  readonly bundle: VectorFile<readonly BundleCase[]>;
  readonly 'dh-key': VectorFile<readonly DhKeyCase[]>;
  readonly 'double-ratchet-curve25519': VectorFile<DoubleRatchetCases>;
  readonly 'double-ratchet-secp256k1': VectorFile<DoubleRatchetCases>;
  readonly 'protocol-session': VectorFile<readonly ProtocolSessionCase[]>;
  readonly 'rfc26-payload': VectorFile<Rfc26PayloadCases>;
  readonly 'status-application': VectorFile<StatusApplicationCases>;
  readonly 'status-mailserver': VectorFile<StatusMailserverCases>;
  readonly topic: VectorFile<TopicCases>;
  readonly 'whisper-envelope': VectorFile<readonly WhisperEnvelopeCase[]>;
  readonly 'whisper-rpc': VectorFile<readonly WhisperRpcCase[]>;
  readonly x3dh: VectorFile<readonly X3dhCase[]>;
}

export type VectorName = keyof VectorFiles;

/** 64-bit fields by file. A file may write them as strings or numbers; they are read as bigint either way. */
const BIGINT_FIELDS: Partial<Record<VectorName, string>> = {
  bundle: 'timestamp',
  'rfc26-payload': 'timestamp',
  'whisper-envelope': 'nonce',
};

/**
 * Reads `vectors/<name>.json`, every integer exactly: the 64-bit fields are bigint, and so would be any other
 * integer beyond 2^53. The files may be replaced by others of the same shape, so rely on at least one case and
 * on nothing else.
 */
export function loadVectors<Name extends VectorName>(name: Name): VectorFiles[Name] {
  const text = readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8');
  const bigintField = BIGINT_FIELDS[name];
  const revive = (key: string, value: unknown) =>
    key === bigintField && value !== null ? BigInt(value as string | number | bigint) : value;
  return parse(text, revive, parseExact) as VectorFiles[Name];
}

function parseExact(digits: string): number | bigint {
  const value = Number(digits);
  return isInteger(digits) && !Number.isSafeInteger(value) ? BigInt(digits) : value;
}
