import { copyBytes, decodeUtf8, encodeUtf8 } from '@sotto/core';
import {
  encodeItem,
  encodeList,
  joinList,
  malformed,
  readBytes,
  readInteger,
  splitList,
} from '@sotto/whisper-transport/internal';

/** Version of devp2p that compresses the bodies of messages. */
export const DEVP2P_VERSION = 5;
/** Items of a hello, and capabilities in it, at most. */
const ITEMS_MOST = 64;

/** The first message of each side. */
export interface Hello {
  readonly version: number;
  /** The client's name; empty when it can't be read. */
  readonly clientId: string;
  readonly capabilities: readonly { readonly name: string; readonly version: number }[];
  /** 64 bytes: who it claims to be. */
  readonly id: Uint8Array;
}

/** @param port on which we listen; 0 for none */
export function encodeHello({ version, clientId, capabilities, id }: Hello, port: number): Uint8Array {
  return joinList([
    encodeItem(version),
    encodeItem(encodeUtf8(clientId)),
    joinList(capabilities.map(({ name, version: spoken }) => encodeList([encodeUtf8(name), spoken]))),
    encodeItem(port),
    encodeItem(id),
  ]);
}

/** Reads a hello; items of later versions are ignored. @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED */
export function decodeHello(body: Uint8Array): Hello {
  const [version, clientId, capabilities, , id] = splitList('hello', body, ITEMS_MOST);
  if (version === undefined || clientId === undefined || capabilities === undefined || id === undefined) {
    throw malformed('hello', 'cut off');
  }
  return {
    version: Number(readInteger('hello', version)),
    clientId: readText(readBytes('hello', clientId)),
    capabilities: splitList('hello', capabilities, ITEMS_MOST).map(readCapability),
    id: copyBytes(readBytes('hello', id)),
  };
}

function readCapability(item: Uint8Array): Hello['capabilities'][number] {
  const [name, version] = splitList('capability', item, ITEMS_MOST);
  if (name === undefined || version === undefined) throw malformed('capability', 'cut off');
  return {
    name: readText(readBytes('capability', name)),
    version: Number(readInteger('capability', version)),
  };
}

function readText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return '';
  }
}
