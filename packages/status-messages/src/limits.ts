/**
 * What is accepted from outside; anything beyond is refused with LIMIT_EXCEEDED, before work is done on it. Deployed clients
 * stay far below every default.
 */
export interface StatusLimits {
  /** Bytes of a message of any layer. 16 MiB, as of a ProtocolMessage. */
  readonly maxMessageBytes: number;
  /** Fields of one message, those of nested messages and unknown ones included. 65,536: bounds the work on tiny fields. */
  readonly maxFields: number;
  /** Bytes of a text in UTF-8. 64 KiB: 4096 code points, the most of 2024, need 16 KiB; clients of 2020 have no limit. */
  readonly maxTextBytes: number;
  /** Bytes of an id, name, key or hash. 1 KiB: the longest real one, the id of a group, has 169. */
  readonly maxNameBytes: number;
  /** Bytes of a picture: of a message, of a group, or as a `data:` URL. 1 MiB: the largest envelope. */
  readonly maxImageBytes: number;
  /** Events of one membership update. 2,000: each costs a signature recovery. */
  readonly maxEvents: number;
  /** Members named by one event. 1,000. */
  readonly maxMembers: number;
  /** Acknowledgements, offers or requests in one datasync payload, each. 4,096: 32 bytes each. */
  readonly maxDatasyncIds: number;
  /** Messages in one datasync payload. 1,000: each is decoded and costs a signature recovery. Deployed clients were seen to send 20. */
  readonly maxDatasyncMessages: number;
}

/** The limits that apply where the caller passes none. */
export const DEFAULT_STATUS_LIMITS: StatusLimits = Object.freeze({
  maxMessageBytes: 16 * 1024 * 1024,
  maxFields: 65_536,
  maxTextBytes: 64 * 1024,
  maxNameBytes: 1024,
  maxImageBytes: 1024 * 1024,
  maxEvents: 2_000,
  maxMembers: 1_000,
  maxDatasyncIds: 4_096,
  maxDatasyncMessages: 1_000,
});

/** Options of the decoders. */
export interface StatusDecodeOptions {
  /** Limits to use instead of {@link DEFAULT_STATUS_LIMITS}, one by one. */
  readonly limits?: Partial<StatusLimits> | undefined;
}
