import { encodeHex, LruCache, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

const FIRST =
  'Amber Autumn Bold Brave Bright Calm Clever Coral Crimson Dapper Dawn Eager Early Fair Fern Gentle Golden Grand Hazel Honest Humble Indigo Iron Ivory Jade Jolly Keen Kind Lively Lucky Lunar Mellow Merry Mild Misty Modest Nimble Noble Ocean Olive Opal Patient Pearl Plucky Polar Proud Quick Quiet Rapid River Rosy Ruby Rustic Silent Silver Sincere Sly Snowy Solar Steady Sunny Swift Velvet Witty'.split(
    ' ',
  );
const SECOND =
  'Badger Bear Beaver Bison Bobcat Crane Cricket Curlew Deer Dolphin Donkey Dove Eagle Egret Falcon Ferret Finch Fox Gecko Gibbon Goose Grouse Hare Hawk Hedgehog Heron Ibis Jackal Jay Kestrel Koala Lark Lemur Linnet Lizard Lynx Magpie Marmot Marten Mole Moose Newt Osprey Otter Owl Panda Pelican Penguin Plover Puffin Rabbit Raven Robin Salmon Seal Shrew Sparrow Stork Swan Tern Thrush Toad Walrus Wren'.split(
    ' ',
  );

/** Names that were made before: a screen shows the same people again and again. */
const names = new LruCache<string, string>(500);

/**
 * A short name made from a key, for someone who has none yet: `Amber Falcon 27`. Easier to tell apart than keys; proves
 * nothing, as anyone can search for a key with the same one.
 */
export function readableName(crypto: CryptoProvider, identity: PublicKey): string {
  const key = encodeHex(identity);
  const known = names.get(key);
  if (known !== undefined) return known;
  const [a = 0, b = 0, c = 0] = crypto.sha256(identity);
  const name = `${FIRST[a % FIRST.length]} ${SECOND[b % SECOND.length]} ${String(c % 100).padStart(2, '0')}`;
  names.set(key, name);
  return name;
}
