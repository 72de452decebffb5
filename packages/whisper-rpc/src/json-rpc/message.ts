import { SottoError } from '@sotto/core';

/** A message of a JSON-RPC 2.0 server. */
export type ServerMessage =
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: NodeError }
  | { readonly kind: 'notification'; readonly subscription: string; readonly result: unknown };

/** The `error` of an answer. */
export interface NodeError {
  readonly code: number;
  /** In the node's words. */
  readonly message: string;
}

export function encodeRequest(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/**
 * Reads an answer or notification.
 * @param most UTF-16 code units; a longer text is refused
 * @throws TRANSPORT_UNAVAILABLE: the other side is not a node, or a broken one
 */
export function parseServerMessage(text: string, most: number): ServerMessage {
  if (text.length > most) throw invalidAnswer(`an answer of more than ${most} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The cause would quote the text.
    throw invalidAnswer('an answer that is not JSON');
  }
  if (!isRecord(value)) throw invalidAnswer('an answer that is not a JSON-RPC object');
  const { id, error, params } = value;
  if (id === undefined && isRecord(params) && typeof params['subscription'] === 'string') {
    return { kind: 'notification', subscription: params['subscription'], result: params['result'] };
  }
  // An invalid request is answered without its id.
  if (!isCallNumber(id)) throw invalidAnswer('an answer to no call');
  if (error === undefined || error === null) return { kind: 'result', id, result: value['result'] };
  if (!isRecord(error)) throw invalidAnswer('an error that is not an object');
  const { code, message } = error;
  return {
    kind: 'error',
    id,
    error: {
      code: typeof code === 'number' ? code : 0,
      message: typeof message === 'string' ? message : 'no reason given',
    },
  };
}

/** Ours are whole numbers. */
function isCallNumber(id: unknown): id is number {
  return Number.isSafeInteger(id);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For answers that no working node sends. */
export function invalidAnswer(reason: string): SottoError<'TRANSPORT_UNAVAILABLE'> {
  return new SottoError('TRANSPORT_UNAVAILABLE', `The node gave an invalid answer: ${reason}.`, { reason });
}
