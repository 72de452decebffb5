export {
  Account,
  accountFromMnemonic,
  accountFromPrivateKey,
  CHAT_PATH,
  type MnemonicAccount,
  WALLETS_PATH,
  Wallet,
} from './account.js';
export { parseContact } from './contact.js';
export {
  CONTACT_CARD_CHARACTERS,
  CONTACT_CARD_MAX_CHARACTERS,
  CONTACT_CARD_NAME_MAX_BYTES,
  CONTACT_CARD_VERSION,
  type ContactCard,
  type ContactCardOptions,
  encodeContactCard,
  parseContactCard,
} from './contact-card.js';
export * from './identicon.js';
export * from './key-text.js';
export {
  createMnemonic,
  MNEMONIC_MAX_CHARACTERS,
  type Mnemonic,
  type MnemonicWordCount,
  PASSPHRASE_MAX_CHARACTERS,
  parseMnemonic,
} from './mnemonic.js';
export type { PixelImage } from './pixel-image.js';
export * from './qr.js';
export * from './recipient.js';
export * from './safety-number.js';
export { walletAddress } from './wallet-address.js';
