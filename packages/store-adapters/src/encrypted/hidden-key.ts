import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64urlnopad } from '@scure/base';
import { encodeUtf8 } from '@sotto/core';

/** How many leading `/`-separated segments of a key have a hidden name of their own. */
const MAX_DEPTH = 8;
/** Bytes of a MAC that form a hidden name: a collision is expected after 2^64 keys. */
const NAME_LENGTH = 16;
const RECORDS = 'r/';

const DIRECTORY = 0;
const RECORD = 1;

/** A record's key in the underlying store. */
export interface HiddenKey {
  /** `r/`, the names of the directories, the name of the record; each but the last followed by `/`. */
  readonly innerKey: string;
  /** The name of the record, derived from its whole key. */
  readonly name: string;
}

/**
 * Hides keys behind HMAC-SHA-256. Each directory (a prefix that ends with `/`) is named by a MAC over the MAC
 * of its parent directory and its own segment, so that the records of a directory are adjacent and nothing else shows.
 */
export class KeyHider {
  readonly #hmac: ReturnType<typeof hmac.create>;

  /** @param key 32 bytes; copied */
  constructor(key: Uint8Array) {
    this.#hmac = hmac.create(sha256, key);
  }

  hide(key: string): HiddenKey {
    const { directories, rest } = split(key);
    const { path, mac } = this.#directory(directories);
    const name = print(this.#mac(mac, RECORD, rest));
    return { innerKey: path + name, name };
  }

  /** The hidden prefix shared by all records whose keys begin with the prefix. Other records may share it, too. */
  hidePrefix(prefix: string): string {
    return this.#directory(split(prefix).directories).path;
  }

  /** Wipes the key, as far as that is possible. */
  destroy(): void {
    this.#hmac.destroy();
  }

  #directory(segments: readonly string[]): { path: string; mac: Uint8Array } {
    let path = RECORDS;
    let mac: Uint8Array = new Uint8Array(32);
    for (const segment of segments) {
      mac = this.#mac(mac, DIRECTORY, segment);
      path += `${print(mac)}/`;
    }
    return { path, mac };
  }

  #mac(parent: Uint8Array, kind: number, segment: string): Uint8Array {
    return this.#hmac.clone().update(parent).update(Uint8Array.of(kind)).update(encodeUtf8(segment)).digest();
  }
}

/** The name in a hidden key, `undefined` when it has none. */
export function recordName(innerKey: string): string | undefined {
  const name = innerKey.slice(innerKey.lastIndexOf('/') + 1);
  try {
    return decodeName(name).length === NAME_LENGTH ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes of a record's name. */
export function decodeName(name: string): Uint8Array {
  return base64urlnopad.decode(name);
}

/** `a/b/c` has the directories `a/` and `b/`, and the rest `c`. */
function split(key: string): { readonly directories: readonly string[]; readonly rest: string } {
  const directories = (key.match(/[^/]*\//g) ?? []).slice(0, MAX_DEPTH);
  return { directories, rest: key.slice(directories.join('').length) };
}

function print(mac: Uint8Array): string {
  return base64urlnopad.encode(mac.subarray(0, NAME_LENGTH));
}
