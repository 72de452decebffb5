import type { PublicKey } from '@sotto/core';
import { formatKeyText } from '@sotto/identity';
import { crypto } from '../crypto.js';
import { Identicon } from './identicon.js';

/** The picture of an own key and the key itself, as "My card" shows them: the same on both screens when a device is linked. */
export function KeyToCompare({ identity }: { readonly identity: PublicKey }) {
  return (
    <p class="offer">
      <Identicon identity={identity} label="The picture of your key" />
      <span class="key">{formatKeyText(crypto, identity, 'base58btc')}</span>
    </p>
  );
}
