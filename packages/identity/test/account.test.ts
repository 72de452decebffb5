import { decodeHex, encodeHex } from '@sotto/core';
import { loadVectors } from '@sotto/testing/vectors';
import { describe, expect, test } from 'vitest';
import {
  Account,
  accountFromMnemonic,
  accountFromPrivateKey,
  createMnemonic,
  parseMnemonic,
  walletAddress,
} from '../src/index.js';
import { crypto, shown, thrown } from './support.js';

const { cases } = loadVectors('account');
const bare = (hex: string) => hex.replace(/^0x/, '').toLowerCase();

describe('accounts of the deployed client', () => {
  test.each(cases.map((vector, index) => ({ index, vector })))('case $index', ({ vector }) => {
    const account = accountFromMnemonic(crypto, parseMnemonic(vector.mnemonic), vector.passphrase);
    const { publicKey, privateKey } = account.identity;
    expect(encodeHex(privateKey)).toBe(bare(vector.chatPrivate));
    expect(encodeHex(crypto.secp256k1.uncompressPublicKey(publicKey))).toBe(bare(vector.chatPublic));

    const wallet = account.wallet();
    expect(encodeHex(wallet.keyPair.privateKey)).toBe(bare(vector.walletPrivate));
    expect(wallet.address).toBe(vector.walletAddress);
    expect(wallet.path).toBe("m/44'/60'/0'/0/0");
  });
});

describe('wallets', () => {
  const account = accountFromMnemonic(crypto, parseMnemonic(`${'abandon '.repeat(11)}about`));

  // The addresses that every wallet shows for this well-known mnemonic.
  test("stand under m/44'/60'/0'/0 by index", () => {
    expect([0, 1, 2].map((index) => account.wallet(index).address)).toEqual([
      '0x9858EfFD232B4033E47d90003D41EC34EcaEda94',
      '0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0',
      '0xb6716976A3ebe8D39aCEB04372f22Ff8e6802D7A',
    ]);
  });

  test("are the same on each call, and the keys are the caller's", () => {
    const first = account.wallet(7);
    const key = encodeHex(first.keyPair.privateKey);
    first.keyPair.privateKey.fill(0);
    expect(encodeHex(account.wallet(7).keyPair.privateKey)).toBe(key);
  });

  test('go up to index 2^31 - 1', () => {
    expect(account.wallet(2 ** 31 - 1).path).toBe("m/44'/60'/0'/0/2147483647");
    for (const index of [-1, 0.5, Number.NaN, 2 ** 31]) {
      expect(thrown('INVALID_ARGUMENT', () => account.wallet(index)).details.what).toBe('index of a wallet');
    }
  });

  test('an address comes of either form of the key', () => {
    const { publicKey } = account.wallet().keyPair;
    const uncompressed = crypto.secp256k1.uncompressPublicKey(publicKey);
    expect(walletAddress(crypto, uncompressed)).toBe(walletAddress(crypto, publicKey));
    thrown('INVALID_PUBLIC_KEY', () => walletAddress(crypto, new Uint8Array(33)));
  });
});

describe('an account from a raw key', () => {
  test('is that of the mnemonic with the same key', () => {
    const [vector] = cases;
    const privateKey = decodeHex(vector?.chatPrivate ?? '');
    const account = accountFromPrivateKey(crypto, privateKey);
    expect(account).toBeInstanceOf(Account);
    privateKey.fill(0);
    expect(encodeHex(account.identity.privateKey)).toBe(bare(vector?.chatPrivate ?? ''));
    expect(encodeHex(crypto.secp256k1.uncompressPublicKey(account.identity.publicKey))).toBe(
      bare(vector?.chatPublic ?? ''),
    );
  });

  test('wants 32 bytes, not zero and below the order', () => {
    thrown('INVALID_LENGTH', () => accountFromPrivateKey(crypto, new Uint8Array(31)));
    thrown('INVALID_PRIVATE_KEY', () => accountFromPrivateKey(crypto, new Uint8Array(32)));
    thrown('INVALID_PRIVATE_KEY', () => accountFromPrivateKey(crypto, new Uint8Array(32).fill(0xff)));
  });
});

describe('no secret in any log, error or inspect output', () => {
  test('of an account, its wallets, its mnemonic', () => {
    const mnemonic = createMnemonic(crypto);
    const account = accountFromMnemonic(crypto, mnemonic, 'open sesame');
    const wallet = account.wallet();
    const text = shown({ mnemonic, account, wallet }) + shown(mnemonic) + shown(account) + shown(wallet);

    for (const word of mnemonic.words) expect(text).not.toMatch(new RegExp(`['" ,]${word}['" ,]`));
    for (const { privateKey } of [account.identity, wallet.keyPair]) {
      expect(text).not.toContain(encodeHex(privateKey));
      expect(text).not.toContain(privateKey.slice(0, 8).join(', '));
      expect(text).not.toContain(privateKey.slice(0, 8).join(','));
    }
    expect(text).not.toContain('xprv');
    expect(String(account)).toBe('[MnemonicAccount: redacted]');
    expect(JSON.stringify({ mnemonic })).toBe('{"mnemonic":"[Mnemonic: redacted]"}');
  });
});
