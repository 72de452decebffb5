import { isSottoError, type PublicKey, parseObject, parseText, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Bundle } from '@sotto/protocol-codec';
import { checkProvider } from './check-provider.js';
import { beginsLikeKey, parseContact } from './contact.js';
import { type ContactCardOptions, looksLikeContactCard } from './contact-card.js';
import { checksumAddress } from './wallet-address.js';

/** Somebody to write to, as a person has typed or scanned it. */
export type Recipient =
  /** A contact card, or a link with one. */
  | { readonly kind: 'card'; readonly identity: PublicKey; readonly bundle?: Bundle | undefined }
  /** A public key in any of the forms of `KeyTextForm`, or a `did:key`. */
  | { readonly kind: 'key'; readonly identity: PublicKey }
  /** A contact code as deployed clients make it. */
  | { readonly kind: 'contact-code'; readonly identity: PublicKey; readonly bundle: Bundle }
  /** A name such as `alice.eth`, as typed: `/ens` of `@sotto/directories` normalises it and finds the key. */
  | { readonly kind: 'name'; readonly name: string }
  /** An Ethereum address with its EIP-55 checksum: its primary name leads to the key, if it has one. */
  | { readonly kind: 'address'; readonly address: string };

/** Longest name in characters; a DNS packet has room for 255 bytes. */
const NAME_MAX_CHARACTERS = 255;
/** Links in links are not followed. */
const LINK = /^https?:\/\/[^#]*#(.+)$/is;
/** EIP-681: what is paid to may be an address or a name. Calls of functions name a contract, and nobody to write to. */
const ETHEREUM_URI = /^ethereum:(?:pay-)?([^@/?]+)(?:@[^/?]*)?(?:\?.*)?$/i;
const DID_KEY = /^did:key:(z[1-9a-z]+)(?:#.*)?$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
/** Labels with dots between them. Which characters they may have is ENSIP-15's to say; none of these. */
const NAME = /^[^\s.:/?#@\\]+([.][^\s.:/?#@\\]+)+$/u;

/**
 * Reads whatever a person can type or scan to say whom to write to: a contact card, a link whose fragment is any of these, a
 * public key, a contact code, an ENS name, or an Ethereum address; also `did:key:z…`, `ethereum:0x…` and
 * `ethereum:alice.eth`. White space around it is ignored. Nothing is looked up. Bundles are as good as their signatures,
 * which are not checked here.
 * @throws INVALID_TEXT with `what` `Ethereum address` for an address whose checksum is wrong, `ENS name` for a name that is too
 * long; otherwise the errors of `parseContact`
 */
export function parseRecipient(
  crypto: CryptoProvider,
  text: string,
  options: ContactCardOptions = {},
): Recipient {
  checkProvider(crypto);
  parseObject(options, 'options');
  const trimmed = parseText(text, 'text').trim();
  if (looksLikeContactCard(trimmed)) return { kind: 'card', ...parseContact(crypto, trimmed, options) };
  const given = unwrapped(trimmed);
  if (ADDRESS.test(given)) return { kind: 'address', address: parseAddress(crypto, given) };
  if (NAME.test(given)) return { kind: 'name', name: checkName(given) };
  const { identity, bundle } = parseInside(crypto, given, trimmed, options);
  return beginsLikeKey(given) || bundle === undefined
    ? { kind: 'key', identity }
    : { kind: 'contact-code', identity, bundle };
}

/** Reads a key or contact code. A link with neither inside is an error about the link, and not about a contact code. */
function parseInside(
  crypto: CryptoProvider,
  inside: string,
  text: string,
  options: ContactCardOptions,
): ReturnType<typeof parseContact> {
  try {
    return parseContact(crypto, inside, options);
  } catch (error) {
    const isNeither = isSottoError(error, 'MALFORMED_MESSAGE') || isSottoError(error, 'INVALID_TEXT');
    if (isNeither && LINK.test(text)) return parseContact(crypto, text, options);
    throw error;
  }
}

/** What is inside a link or URI. */
function unwrapped(text: string): string {
  const [, inLink] = LINK.exec(text) ?? [];
  const [, inUri] = ETHEREUM_URI.exec(text) ?? [];
  const [, inDid] = DID_KEY.exec(text) ?? [];
  return (decoded(inLink) ?? inUri ?? inDid ?? text).trim();
}

/** Browsers write characters of a fragment as `%20`. */
function decoded(fragment: string | undefined): string | undefined {
  if (fragment === undefined) return undefined;
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** EIP-55: digits of one case have no checksum. */
function parseAddress(crypto: CryptoProvider, text: string): string {
  const digits = text.slice(2);
  const address = checksumAddress(crypto, digits.toLowerCase());
  const plain = digits === digits.toLowerCase() || digits === digits.toUpperCase();
  if (plain || digits === address.slice(2)) return address;
  throw new SottoError('INVALID_TEXT', 'Not a valid Ethereum address: its checksum is wrong.', {
    what: 'Ethereum address',
    reason: 'wrong checksum',
  });
}

function checkName(name: string): string {
  if (name.length <= NAME_MAX_CHARACTERS) return name;
  const reason = `longer than ${NAME_MAX_CHARACTERS} characters`;
  throw new SottoError('INVALID_TEXT', `Not a valid ENS name: ${reason}.`, { what: 'ENS name', reason });
}
