import { decodeHex, isSottoError } from '@sotto/core';
import { invalidArgument, invalidParams } from './rpc-error.js';

/** The arguments of a call, parsed as go-ethereum parses them. */
export class Params {
  readonly #values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  /** @throws RpcError when there are more */
  atMost(count: number): void {
    if (this.#values.length > count) throw invalidParams(`too many arguments, want at most ${count}`);
  }

  text(index: number): string {
    return textOf(index, this.#value(index));
  }

  number(index: number): number {
    return numberOf(index, this.#value(index));
  }

  bytes(index: number): Uint8Array {
    return bytesOf(index, this.#value(index));
  }

  fields(index: number): Fields {
    const value = this.#value(index);
    if (typeof value !== 'object' || Array.isArray(value))
      throw invalidArgument(index, cannotRead(value, 'object'));
    return new Fields(index, value as Readonly<Record<string, unknown>>);
  }

  #value(index: number): unknown {
    const value = this.#values[index];
    if (value === undefined || value === null) {
      throw invalidParams(`missing value for required argument ${index}`);
    }
    return value;
  }
}

/** The fields of an argument; missing ones are empty or 0, as in Go. */
export class Fields {
  readonly #index: number;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(index: number, values: Readonly<Record<string, unknown>>) {
    this.#index = index;
    this.#values = values;
  }

  text(name: string): string {
    return this.#read(name, '', textOf);
  }

  number(name: string): number {
    return this.#read(name, 0, numberOf);
  }

  flag(name: string): boolean {
    return this.#read(name, false, (index, value) => {
      if (typeof value !== 'boolean') throw invalidArgument(index, cannotRead(value, 'bool'));
      return value;
    });
  }

  bytes(name: string): Uint8Array {
    return this.#read(name, new Uint8Array(0), bytesOf);
  }

  /** 4 bytes; zeros when it is missing. */
  topic(name: string): Uint8Array {
    return this.#read(name, new Uint8Array(4), topicOf);
  }

  topics(name: string): Uint8Array[] {
    return this.#read(name, [], (index, value) => {
      if (!Array.isArray(value)) throw invalidArgument(index, cannotRead(value, '[]whisperv6.TopicType'));
      return value.map((topic) => topicOf(index, topic));
    });
  }

  #read<T>(name: string, missing: T, read: (index: number, value: unknown) => T): T {
    const value = this.#values[name];
    return value === undefined || value === null ? missing : read(this.#index, value);
  }
}

function textOf(index: number, value: unknown): string {
  if (typeof value !== 'string') throw invalidArgument(index, cannotRead(value, 'string'));
  return value;
}

function numberOf(index: number, value: unknown): number {
  if (typeof value !== 'number') throw invalidArgument(index, cannotRead(value, 'number'));
  return value;
}

function bytesOf(index: number, value: unknown): Uint8Array {
  const into = 'into Go value of type hexutil.Bytes';
  if (typeof value !== 'string') throw invalidArgument(index, `json: cannot unmarshal non-string ${into}`);
  if (value === '') return new Uint8Array(0);
  if (!/^0x/i.test(value)) {
    throw invalidArgument(index, `json: cannot unmarshal hex string without 0x prefix ${into}`);
  }
  if (value.length % 2 !== 0)
    throw invalidArgument(index, `json: cannot unmarshal hex string of odd length ${into}`);
  try {
    return decodeHex(value);
  } catch (error) {
    if (!isSottoError(error)) throw error;
    throw invalidArgument(index, `json: cannot unmarshal invalid hex string ${into}`);
  }
}

function topicOf(index: number, value: unknown): Uint8Array {
  const bytes = bytesOf(index, value);
  if (bytes.length !== 4) {
    throw invalidArgument(index, `hex string has length ${2 * bytes.length}, want 8 for whisperv6.TopicType`);
  }
  return bytes;
}

function cannotRead(value: unknown, type: string): string {
  return `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type ${type}`;
}
