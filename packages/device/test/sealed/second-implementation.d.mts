/** What decides a sealed message. Everything in hex but times. */
export interface SealedInputs {
  /** 32 bytes. */
  readonly senderPrivate: string;
  /** 32 bytes; the sender's own for a copy to its other devices. */
  readonly recipientPrivate: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** 12 bytes. */
  readonly nonce: string;
  /** The ProtocolMessage. */
  readonly message: string;
  /** The sender's Bundle, which the session encrypts with the payload. */
  readonly bundle: string;
  readonly payload: string;
}

/** The keys of a direction and day. */
export interface SealedKeys {
  /** 32 bytes. */
  readonly pseudonymPrivate: string;
  /** 33 bytes: signs the envelope. */
  readonly pseudonym: string;
  /** 32 bytes, for AES-256-GCM. */
  readonly key: string;
}

/** What follows from {@link SealedInputs}. */
export interface SealedOutputs extends SealedKeys {
  /** 33 bytes. */
  readonly sender: string;
  /** 33 bytes. */
  readonly recipient: string;
  /** Days since the epoch. */
  readonly day: number;
  /** The payload of the envelope. */
  readonly sealed: string;
  /** What the session encrypts. */
  readonly sessionContent: string;
}

export function publicKeyOf(privateKey: string): string;
/** @param own a private key of the two identities @param other the public key of the other one */
export function deriveKeys(
  own: string,
  other: string,
  direction: { readonly sender: string; readonly recipient: string; readonly day: number },
): Promise<SealedKeys>;
export function seal(
  key: string,
  content: { readonly day: number; readonly time: number; readonly nonce: string; readonly message: string },
): Promise<string>;
/** Rejects when `key` doesn't open it. */
export function open(
  key: string,
  sealed: string,
): Promise<{ readonly day: number; readonly time: number; readonly message: string }>;
export function recompute(inputs: SealedInputs): Promise<SealedOutputs>;
