import { HARDENED_OFFSET, HDKey } from '@scure/bip32';
import { type KeyPair, Redacted, SottoError, wipeBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { checkProvider } from './check-provider.js';
import { type Mnemonic, mnemonicToSeed } from './mnemonic.js';
import { walletAddress } from './wallet-address.js';

/** BIP32 path of the chat identity (wire profile, section 8). */
export const CHAT_PATH = "m/43'/60'/1581'/0'/0";
/** BIP32 path of the wallets, followed by the index. */
export const WALLETS_PATH = "m/44'/60'/0'/0";

/** An account: the identity key that messages are signed with. Prints redacted. */
export class Account extends Redacted {
  constructor(
    /** The identity key pair (chat key). */
    readonly identity: KeyPair,
  ) {
    super();
  }
}

/** An account made from a mnemonic, which therefore also has wallets. Prints redacted. */
export class MnemonicAccount extends Account {
  readonly #walletAt: (index: number) => Wallet;

  /** @internal For {@link accountFromMnemonic}. */
  constructor(identity: KeyPair, walletAt: (index: number) => Wallet) {
    super(identity);
    this.#walletAt = walletAt;
  }

  /**
   * Derives the wallet at `m/44'/60'/0'/0/index`; index 0 by default. Not cached.
   * @throws INVALID_ARGUMENT when `index` is not an integer from 0 to 2^31 - 1
   */
  wallet(index = 0): Wallet {
    return this.#walletAt(index);
  }
}

/** An Ethereum wallet. Prints redacted. */
export class Wallet extends Redacted {
  constructor(
    /** Key pair on secp256k1. */
    readonly keyPair: KeyPair,
    /** `0x` and 40 digits, EIP-55. */
    readonly address: string,
    /** BIP32 path. */
    readonly path: string,
  ) {
    super();
  }
}

/**
 * The account of a mnemonic and its BIP39 passphrase. The same two always yield the same account, and every passphrase
 * yields one: a mistyped passphrase is not an error but another, empty account. Takes tens of milliseconds.
 * @throws INVALID_TEXT when the passphrase has a lone surrogate, LIMIT_EXCEEDED when it is too long
 */
export function accountFromMnemonic(
  crypto: CryptoProvider,
  mnemonic: Mnemonic,
  passphrase = '',
): MnemonicAccount {
  checkProvider(crypto);
  const seed = mnemonicToSeed(mnemonic, passphrase);
  const master = HDKey.fromMasterSeed(seed);
  const chat = master.derive(CHAT_PATH);
  const wallets = master.derive(WALLETS_PATH);
  const identity = keyPairOf(crypto, chat);
  wipeBytes(seed);
  master.wipePrivateData();
  chat.wipePrivateData();

  return new MnemonicAccount(identity, (index) => {
    if (!Number.isInteger(index) || index < 0 || index >= HARDENED_OFFSET) {
      throw new SottoError('INVALID_ARGUMENT', 'The index of a wallet is 0 to 2^31 - 1.', {
        what: 'index of a wallet',
        reason: 'not an integer from 0 to 2^31 - 1',
      });
    }
    const node = wallets.deriveChild(index);
    const keyPair = keyPairOf(crypto, node);
    node.wipePrivateData();
    return new Wallet(keyPair, walletAddress(crypto, keyPair.publicKey), `${WALLETS_PATH}/${index}`);
  });
}

/**
 * The account of a raw chat key, 32 bytes; copied.
 * @throws INVALID_LENGTH, INVALID_PRIVATE_KEY
 */
export function accountFromPrivateKey(crypto: CryptoProvider, privateKey: Uint8Array): Account {
  checkProvider(crypto);
  return new Account(crypto.secp256k1.keyPairFromPrivateKey(privateKey));
}

/** An HD key derived from a seed always has its private key. */
function keyPairOf(crypto: CryptoProvider, node: HDKey): KeyPair {
  return crypto.secp256k1.keyPairFromPrivateKey(node.privateKey as Uint8Array);
}
