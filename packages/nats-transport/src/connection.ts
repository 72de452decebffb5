/**
 * A connection to NATS, as `connect` of `@nats-io/transport-node` and `wsconnect` of `@nats-io/nats-core` return it; by its shape,
 * so that these packages' types aren't needed where only this package is compiled.
 */
export interface NatsConnectionLike {
  /** What the server says of itself; absent while there is no connection. */
  readonly info?: { readonly max_payload: number; readonly version: string } | undefined;
  /** Sends a message; resolves with an answer. */
  request(subject: string, payload?: Uint8Array | string): Promise<unknown>;
  /** Resolves when the server has processed what was sent before. */
  flush(): Promise<void>;
  /** Closes the connection. */
  close(): Promise<void>;
}
