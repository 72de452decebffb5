import {
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  SottoError,
  type Store,
  type Write,
} from '@sotto/core';

const KEY = 'app/link/state';

/** The state that is kept; `undefined` when there is none. @throws STATE_CORRUPT */
export async function readState<T extends object>(store: Store): Promise<T | undefined> {
  const record = await store.get(KEY);
  if (record === undefined) return undefined;
  try {
    return JSON.parse(decodeUtf8(record.value)) as T;
  } catch (cause) {
    const details = { what: 'link', reason: 'not JSON' };
    throw new SottoError('STATE_CORRUPT', 'The stored state of the link is damaged.', details, { cause });
  }
}

/** The write that keeps a state: texts and numbers; bytes are base64. */
export function stateWrite(state: object): Write {
  return { type: 'put', key: KEY, value: encodeUtf8(JSON.stringify(state)) };
}

export { decodeBase64 as bytesOf, encodeBase64 as textOf };
