import { encodeHex, LruCache, type PublicKey } from '@sotto/core';
import { createIdenticon, identiconSvg } from '@sotto/identity';
import { crypto } from '../crypto.js';

interface IdenticonProps {
  readonly identity: PublicKey;
  readonly size?: 'small' | 'large';
  /** Where the picture itself is meant. Beside a name it says nothing more. */
  readonly label?: string;
}

/** Pictures as addresses: making one takes a millisecond, and the same people are shown again and again. */
const sources = new LruCache<string, string>(500);

function sourceOf(identity: PublicKey): string {
  const key = encodeHex(identity);
  const known = sources.get(key);
  if (known !== undefined) return known;
  const source = `data:image/svg+xml,${encodeURIComponent(identiconSvg(createIdenticon(crypto, identity)))}`;
  sources.set(key, source);
  return source;
}

/** The picture that Status shows for a key. Helps to tell people apart, and proves nothing. */
export function Identicon({ identity, size = 'small', label = '' }: IdenticonProps) {
  return <img class={`identicon ${size}`} src={sourceOf(identity)} alt={label} />;
}
