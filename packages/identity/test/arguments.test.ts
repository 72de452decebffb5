/** What plain JavaScript hands in: told by its name. */
import { describe, expect, test } from 'vitest';
import * as identity from '../src/index.js';
import { crypto } from './support.js';

const { publicKey } = crypto.secp256k1.generateKeyPair();
const {
  accountFromMnemonic,
  accountFromPrivateKey,
  createIdenticon,
  createMnemonic,
  createSafetyNumber,
  encodeContactCard,
  formatKeyText,
  formatSafetyNumber,
  identiconPng,
  identiconSvg,
  parseContact,
  parseContactCard,
  parseKeyText,
  parseMnemonic,
  parseSafetyNumber,
  qrModules,
  walletAddress,
} = identity as unknown as Record<string, (...given: unknown[]) => unknown>;

const calls: readonly (readonly [string, string, (() => unknown) | undefined])[] = [
  ['crypto', 'accountFromMnemonic', () => accountFromMnemonic?.(createMnemonic?.(crypto))],
  ['mnemonic', 'accountFromMnemonic', () => accountFromMnemonic?.(crypto, 'twelve words')],
  ['passphrase', 'accountFromMnemonic', () => accountFromMnemonic?.(crypto, createMnemonic?.(crypto), 5)],
  ['crypto', 'accountFromPrivateKey', () => accountFromPrivateKey?.(new Uint8Array(32).fill(1))],
  ['private key', 'accountFromPrivateKey', () => accountFromPrivateKey?.(crypto, '01'.repeat(32))],
  ['crypto', 'createMnemonic', () => createMnemonic?.()],
  ['options', 'createMnemonic', () => createMnemonic?.(crypto, 12)],
  ['mnemonic', 'parseMnemonic', () => parseMnemonic?.(undefined)],
  ['crypto', 'parseContact', () => parseContact?.('text')],
  ['text', 'parseContact', () => parseContact?.(crypto, undefined)],
  ['options', 'parseContact', () => parseContact?.(crypto, 'text', null)],
  ['crypto', 'parseContactCard', () => parseContactCard?.(Promise.resolve(crypto), 'text')],
  ['text', 'parseContactCard', () => parseContactCard?.(crypto, publicKey)],
  ['crypto', 'encodeContactCard', () => encodeContactCard?.({ identity: publicKey })],
  ['card', 'encodeContactCard', () => encodeContactCard?.(crypto, publicKey)],
  ['public key', 'encodeContactCard', () => encodeContactCard?.(crypto, { identity: 'hex' })],
  ['crypto', 'createSafetyNumber', () => createSafetyNumber?.(publicKey, publicKey)],
  ['public key', 'createSafetyNumber', () => createSafetyNumber?.(crypto, publicKey, 'hex')],
  ['text', 'parseSafetyNumber', () => parseSafetyNumber?.(12345)],
  ['number', 'formatSafetyNumber', () => formatSafetyNumber?.('no digits')],
  ['number', 'formatSafetyNumber', () => formatSafetyNumber?.(undefined)],
  ['crypto', 'walletAddress', () => walletAddress?.(publicKey)],
  ['public key', 'walletAddress', () => walletAddress?.(crypto, 'hex')],
  ['crypto', 'createIdenticon', () => createIdenticon?.(publicKey)],
  ['identicon', 'identiconPng', () => identiconPng?.(publicKey)],
  ['identicon', 'identiconSvg', () => identiconSvg?.(undefined)],
  ['crypto', 'formatKeyText', () => formatKeyText?.(publicKey, 'compressed')],
  ['form', 'formatKeyText', () => formatKeyText?.(crypto, publicKey, 'base64')],
  ['crypto', 'parseKeyText', () => parseKeyText?.('0x02')],
  ['text', 'parseKeyText', () => parseKeyText?.(crypto, publicKey)],
  ['text', 'qrModules', () => qrModules?.(undefined)],
  ['errorCorrection', 'qrModules', () => qrModules?.('text', { errorCorrection: 'most' })],
];

describe('a wrong argument is refused by name', () => {
  test.each(calls)('%s of %s', (what, _, call) => {
    expect(call).toThrow(
      expect.objectContaining({
        name: 'SottoError',
        code: 'INVALID_ARGUMENT',
        details: expect.objectContaining({ what }),
      }),
    );
  });
});
