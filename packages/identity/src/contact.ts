import { parseObject, parseText } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { decodeContactCode } from '@sotto/protocol-codec';
import { checkProvider } from './check-provider.js';
import {
  type ContactCard,
  type ContactCardOptions,
  checkIdentity,
  looksLikeContactCard,
  parseContactCard,
} from './contact-card.js';
import { parseKeyText } from './key-text.js';

/** No contact code begins like this: it is base64 of `{` or of the tag of a bundle's first field. */
const BEGINS_LIKE_A_KEY = /^\s*(0|f[0-9a-f]{3}|z)/i;

/** Whether a text that names a person is read as a public key rather than as a contact code. */
export function beginsLikeKey(text: string): boolean {
  return BEGINS_LIKE_A_KEY.test(text);
}

/**
 * Reads any text that identifies a person: a contact card or a link with one, the text of a public key, or a contact code as
 * deployed clients make it. The form is recognised by its beginning, and the errors are those of that form.
 * @throws INVALID_CONTACT_CARD for a card; INVALID_TEXT, INVALID_LENGTH, INVALID_PUBLIC_KEY for a key
 * @throws INVALID_TEXT, MALFORMED_MESSAGE, INVALID_PUBLIC_KEY for a contact code, and for anything else
 * @throws WRONG_IDENTITY when it is valid, but not of `expected`; LIMIT_EXCEEDED
 */
export function parseContact(
  crypto: CryptoProvider,
  text: string,
  options: ContactCardOptions = {},
): ContactCard {
  checkProvider(crypto);
  parseText(text, 'text');
  parseObject(options, 'options');
  if (looksLikeContactCard(text)) return parseContactCard(crypto, text, options);
  const expected = options.expected && crypto.secp256k1.parsePublicKey(options.expected);
  const contact = beginsLikeKey(text)
    ? { identity: parseKeyText(crypto, text) }
    : contactOfCode(crypto, text, options);
  if (expected !== undefined) checkIdentity(expected, contact.identity);
  return contact;
}

function contactOfCode(crypto: CryptoProvider, text: string, options: ContactCardOptions): ContactCard {
  const bundle = decodeContactCode(text, options.decode);
  return { identity: crypto.secp256k1.parsePublicKey(bundle.identity), bundle };
}
