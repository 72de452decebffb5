/** Bytes in lower-case hex without `0x`; `unhex` reads them. */
export type Hex = string;

/** The shape of every file: a description, and its cases. */
export interface VectorFile<Cases> {
  readonly about: string;
  readonly cases: Cases;
}

/** `account.json` */
export interface AccountCase {
  readonly mnemonic: string;
  readonly passphrase: string;
  /** 32 bytes. */
  readonly chatPrivate: Hex;
  /** 65 bytes, uncompressed. */
  readonly chatPublic: Hex;
  /** Multibase text, `zQ3sh…`. */
  readonly chatCompressed: string;
  readonly threeWordName: string;
  /** `0x` and 40 hexadecimal digits in the case of the EIP-55 checksum. */
  readonly walletAddress: string;
  /** 32 bytes. */
  readonly walletPrivate: Hex;
  /** A PNG file in base64. */
  readonly identiconPng: string;
}

/** `bundle.json` */
export interface BundleCase {
  /** 33 bytes. */
  readonly identity: Hex;
  /** 32 bytes. */
  readonly identityPrivate: Hex;
  /** By installation id. */
  readonly signedPreKeys: Readonly<Record<string, BundlePreKey>>;
  /** 65 bytes. */
  readonly signature: Hex;
  /** Nanoseconds since the epoch; 0 when the bundle has none. */
  readonly timestamp: bigint;
  readonly signedMaterial: Hex;
  /** The Bundle message; the order of its map entries is not canonical. */
  readonly protobuf: Hex;
  /** The proto3 JSON mapping of the bundle. */
  readonly json: string;
}

export interface BundlePreKey {
  /** 33 bytes. */
  readonly signedPreKey: Hex;
  readonly version: number;
  readonly protocolVersion: number;
}

/** `dh-key.json` */
export interface DhKeyCase {
  /** 33 bytes. */
  readonly ephemeral: Hex;
  /** 32 bytes. */
  readonly ephemeralPrivate: Hex;
  /** 32 bytes. */
  readonly recipientPrivate: Hex;
  /** 32 bytes. */
  readonly key: Hex;
}

/** `double-ratchet-secp256k1.json` and `double-ratchet-curve25519.json` */
export interface DoubleRatchetCases {
  readonly kdf: readonly RatchetKdfCase[];
  readonly sessions: readonly RatchetSessionCase[];
}

export interface RatchetKdfCase {
  readonly rootKey: Hex;
  readonly dhOutput: Hex;
  /** Root key after `KdfRK(rootKey, dhOutput)`. */
  readonly nextRootKey: Hex;
  /** Chain key of the same step. */
  readonly chainKey: Hex;
  /** Header key of the same step. */
  readonly headerKey: Hex;
  readonly kdfChainInput: Hex;
  /** Chain key after `KdfCK(kdfChainInput)`. */
  readonly nextChainKey: Hex;
  /** Message key of the same step. */
  readonly derivedMessageKey: Hex;
  readonly messageKey: Hex;
  readonly associatedData: Hex;
  readonly plaintext: Hex;
  /** `plaintext` encrypted with `messageKey` and `associatedData`. */
  readonly ciphertext: Hex;
}

export interface RatchetSessionCase {
  readonly sharedKey: Hex;
  readonly bobRatchetPrivate: Hex;
  readonly bobRatchetPublic: Hex;
  /** Private keys in the order in which they are drawn; alice draws the first when she starts. */
  readonly aliceGeneratedPrivates: readonly Hex[];
  readonly bobGeneratedPrivates: readonly Hex[];
  readonly messages: readonly RatchetMessage[];
  readonly steps: readonly RatchetStep[];
}

export interface RatchetMessage {
  readonly from: RatchetParty;
  readonly dh: Hex;
  readonly n: number;
  readonly pn: number;
  readonly header: Hex;
  readonly plaintext: Hex;
  readonly ciphertext: Hex;
}

export type RatchetParty = 'alice' | 'bob';

/** One send or receive of `messages[message]`. With `error`, it must be refused. */
export interface RatchetStep {
  readonly send?: RatchetParty;
  readonly receive?: RatchetParty;
  readonly message: number;
  readonly error?: string | boolean;
}

/** `protocol-session.json` */
export interface ProtocolSessionCase {
  readonly name: string;
  readonly bob: ProtocolParty & {
    readonly signedPreKeys: readonly {
      /** 32 bytes. */
      readonly private: Hex;
      /** 33 bytes. */
      readonly public: Hex;
      readonly version: number;
    }[];
  };
  readonly alice: ProtocolParty;
  /** From alice to bob, in the order they were sent. */
  readonly messages: readonly ProtocolSessionMessage[];
}

export interface ProtocolParty {
  /** 32 bytes. */
  readonly identityPrivate: Hex;
  /** 33 bytes. */
  readonly identity: Hex;
  readonly installationId: string;
  /** The Bundle message. */
  readonly bundle: Hex;
}

export interface ProtocolSessionMessage {
  /** Which call of the client made it, such as `direct`, `dh` or `public`. */
  readonly kind: string;
  /** The ProtocolMessage. */
  readonly protobuf: Hex;
  /** What bob reads. */
  readonly payload: Hex;
}

/** `rfc26-payload.json` */
export interface Rfc26PayloadCases {
  readonly contentTopicReads: readonly ContentTopicRead[];
  readonly hashes: readonly WakuHashCase[];
  readonly payloadReads: readonly Rfc26PayloadRead[];
  readonly payloads: readonly Rfc26PayloadCase[];
  readonly pubsubTopics: { readonly default: string; readonly nonProtected: string };
  readonly topics: readonly { readonly name: string; readonly contentTopic: string; readonly topic: Hex }[];
}

export interface ContentTopicRead {
  readonly accepted: boolean;
  readonly contentTopic: string;
  /** 4 bytes, when accepted. */
  readonly topic?: Hex;
}

export interface WakuHashCase {
  readonly name: string;
  readonly contentTopic: string;
  readonly hash: Hex;
  /** Empty also when absent. */
  readonly meta: Hex;
  readonly payload: Hex;
  readonly protobuf: Hex;
  readonly pubsubTopic: string;
  /** Nanoseconds since the epoch. */
  readonly timestamp: bigint | null;
  readonly version?: number;
}

export interface Rfc26PayloadRead {
  readonly name: string;
  readonly accepted: boolean;
  /** When accepted. */
  readonly data?: Hex;
  readonly payload: Hex;
  /** When accepted; empty without a signer. */
  readonly signer65?: Hex;
  readonly symKey: Hex;
  readonly version?: number;
}

export interface Rfc26PayloadCase {
  readonly name: string;
  readonly data: Hex;
  readonly kind: 'symmetric' | 'asymmetric';
  readonly padding: Hex;
  readonly paddingGiven: boolean;
  readonly plain: Hex;
  readonly plainLength: number;
  readonly result: Hex;
  /** 65 bytes; empty when not signed. */
  readonly signature: Hex;
  readonly signed: boolean;
  readonly signer65?: Hex;
  readonly signerPrivate?: Hex;
  readonly symKey?: Hex;
  readonly nonce?: Hex;
  readonly ephemeral65?: Hex;
  readonly ephemeralPrivate?: Hex;
  readonly iv?: Hex;
  readonly mac?: Hex;
  readonly recipient65?: Hex;
  readonly recipientPrivate?: Hex;
  readonly wakuMessage: {
    readonly contentTopic: string;
    readonly ephemeral: boolean;
    readonly hash: Hex;
    readonly protobuf: Hex;
    readonly pubsubTopic: string;
    /** Nanoseconds since the epoch. */
    readonly timestamp: bigint;
    readonly version: number;
  };
}

/** `status-mailserver.json` */
export interface StatusMailserverCases {
  readonly archive: readonly ArchivedEnvelopeCase[];
  /** How the Go client interprets the payload of packet 125. */
  readonly clientReads: readonly MailCompletionRead[];
  readonly completions: readonly MailCompletionCase[];
  readonly requests: readonly MailRequestCase[];
  readonly password: string;
  /** 32 bytes, of the password. */
  readonly symKey: Hex;
}

export interface ArchivedEnvelopeCase {
  readonly rlp: Hex;
  readonly hash: Hex;
  /** 4 bytes. */
  readonly topic: Hex;
  /** Seconds since the epoch. */
  readonly expiry: number;
  /** Seconds. */
  readonly ttl: number;
  /** Seconds since the epoch: `expiry - ttl`. */
  readonly sent: number;
}

export interface MailCompletionRead {
  readonly name: string;
  readonly payload: Hex;
  readonly accepted: boolean;
  /** Whether an accepted payload reports a failure. */
  readonly failed?: boolean;
  readonly requestId?: Hex;
  /** Empty when there is none. */
  readonly cursor?: Hex;
}

export interface MailCompletionCase {
  readonly name: string;
  /** Body of packet 125. */
  readonly packet: Hex;
  /** Its contents. */
  readonly payload: Hex;
  readonly requestId: Hex;
  readonly lastEnvelopeHash?: Hex;
  readonly cursor?: Hex;
  /** Of a failure. */
  readonly errorText?: string;
}

export interface MailRequestCase {
  readonly name: string;
  /** Packets in their order: code, and body before it is compressed. */
  readonly answers: readonly { readonly code: number; readonly data: Hex }[];
  readonly completion: {
    readonly payload: Hex;
    readonly requestId: Hex;
    readonly lastEnvelopeHash?: Hex;
    readonly cursor?: Hex;
    /** UTF-8. */
    readonly errorText?: Hex;
  };
  readonly outcome: 'completed' | 'refused';
  /** The request as bytes: sealed in the envelope, or bare when there is none. */
  readonly payload: Hex;
  readonly envelope?: SealedMailRequest;
  /** The request. Sealed ones have `lower` and `upper`, bare ones `id`, `from` and `to`. */
  readonly request: {
    readonly bloom: Hex;
    readonly limit: number;
    readonly cursor?: Hex;
    readonly batch?: boolean;
    readonly lower?: number;
    readonly upper?: number;
    readonly id?: Hex;
    readonly from?: number;
    readonly to?: number;
    readonly topics?: readonly Hex[];
  };
}

export interface SealedMailRequest {
  readonly rlp: Hex;
  readonly hash: Hex;
  readonly expiry: number;
  readonly ttl: number;
  readonly topic: Hex;
  readonly data: Hex;
  /** 12 bytes: the end of `data`. */
  readonly iv: Hex;
  readonly nonce: number;
  readonly pow: number;
  /** What `symKey` is derived from, for people. */
  readonly key: string;
  readonly symKey: Hex;
  readonly signerPrivate: Hex;
}

/** `topic.json` */
export interface TopicCases {
  readonly channels: readonly ChannelTopicCase[];
  readonly identities: readonly IdentityTopicCase[];
}

export interface ChannelTopicCase {
  readonly name: string;
  /** 4 bytes. */
  readonly topic: Hex;
  /** 32 bytes. */
  readonly symKey: Hex;
  /** 64 bytes. */
  readonly bloom: Hex;
}

export interface IdentityTopicCase {
  /** 32 bytes. */
  readonly private: Hex;
  /** 65 bytes. */
  readonly public: Hex;
  /** 33 bytes. */
  readonly compressed: Hex;
  readonly contactCodeName: string;
  readonly contactCodeTopic: Hex;
  readonly partition: number;
  readonly partitionName: string;
  readonly partitionedTopic: Hex;
  readonly peer: Hex;
  /** 32 bytes. */
  readonly peerPrivate: Hex;
  /** 32 bytes. */
  readonly sharedSecret: Hex;
  readonly negotiatedName: string;
  readonly negotiatedTopic: Hex;
}

/** `whisper-envelope.json`: sealed with `symKey`, or to `recipient`. */
export interface WhisperEnvelopeCase {
  /** 32 bytes. */
  readonly symKey?: Hex;
  readonly recipient?: Hex;
  /** 32 bytes. */
  readonly recipientPrivate?: Hex;
  /** Absent when the envelope is not signed. */
  readonly signer?: Hex;
  /** 32 bytes. */
  readonly signerPrivate?: Hex;
  readonly payload: Hex;
  readonly padding: Hex;
  readonly plain: Hex;
  /** Seconds since the epoch. */
  readonly expiry: number;
  /** Seconds. */
  readonly ttl: number;
  /** 4 bytes. */
  readonly topic: Hex;
  readonly data: Hex;
  /** A uint64. */
  readonly nonce: bigint;
  readonly rlp: Hex;
  /** 32 bytes. */
  readonly hash: Hex;
  readonly pow: number;
  readonly targetPow: number;
  /** 64 bytes. */
  readonly bloom: Hex;
}

/** `whisper-rpc.json`: a call with its answer, or a notification, in the order recorded. */
export interface WhisperRpcCase {
  readonly request?: {
    readonly jsonrpc: string;
    readonly id: number;
    readonly method: string;
    readonly params: readonly unknown[];
  };
  readonly response?: {
    readonly jsonrpc: string;
    readonly id: number;
    readonly result?: unknown;
    readonly error?: { readonly code: number; readonly message: string };
  };
  readonly notification?: {
    readonly jsonrpc: string;
    readonly method: string;
    readonly params: { readonly subscription: string; readonly result: unknown };
  };
}

/** `x3dh.json` */
export interface X3dhCase {
  /** 33 bytes. */
  readonly initiatorIdentity: Hex;
  /** 32 bytes. */
  readonly initiatorIdentityPrivate: Hex;
  /** 33 bytes. */
  readonly ephemeral: Hex;
  /** 32 bytes. */
  readonly ephemeralPrivate: Hex;
  /** 33 bytes. */
  readonly responderIdentity: Hex;
  /** 32 bytes. */
  readonly responderIdentityPrivate: Hex;
  /** 33 bytes. */
  readonly signedPreKey: Hex;
  /** 32 bytes. */
  readonly signedPreKeyPrivate: Hex;
  /** 32 bytes. */
  readonly dh1: Hex;
  /** 32 bytes. */
  readonly dh2: Hex;
  /** 32 bytes. */
  readonly dh3: Hex;
  /** 32 bytes. */
  readonly sharedKey: Hex;
}

/** A generation of deployed Status clients. */
export type StatusGeneration = '2020' | '2024';

/** What deployed Status clients put inside the encryption layer. Numbers of 64 bits are text. */
export interface StatusApplicationCases {
  readonly metadata: readonly StatusMetadataCase[];
  readonly chains: readonly StatusChainCase[];
  readonly chatMessages: readonly StatusMessageCase[];
  readonly contacts: readonly (StatusMessageCase & { readonly of?: string })[];
  readonly deletes: readonly StatusMessageCase[];
  readonly edits: readonly StatusMessageCase[];
  readonly groupIds: readonly { readonly groupId: Hex; readonly key1: Hex; readonly key2: Hex }[];
  readonly membership: readonly StatusMembershipCase[];
  readonly mvds: readonly StatusDatasyncCase[];
  readonly pairing: readonly StatusMessageCase[];
  readonly reactions: readonly (StatusMessageCase & { readonly reactionId: string })[];
  readonly segmentation: readonly StatusSegmentationCase[];
  readonly verdicts: {
    readonly chatMessage: readonly StatusVerdict[];
    readonly conversation: readonly StatusConversationVerdict[];
    readonly deleteMessage: readonly StatusVerdict[];
    readonly editMessage: readonly StatusVerdict[];
    readonly emojiReaction: readonly StatusVerdict[];
    readonly membershipUpdate: readonly StatusVerdict[];
    readonly metadata: readonly StatusVerdict[];
    readonly mvds: readonly StatusVerdict[];
    readonly pairInstallation: readonly StatusVerdict[];
    readonly segment: readonly {
      readonly name: string;
      readonly generation: StatusGeneration;
      readonly steps: readonly { readonly bytes: Hex; readonly outcome: string; readonly sender?: string }[];
    }[];
  };
}

/** The signed wrapper of a message. */
export interface StatusMetadataCase {
  readonly name: string;
  readonly generation: StatusGeneration;
  readonly metadata: {
    /** 65 bytes. */
    readonly author65: Hex;
    readonly authorPrivate: Hex;
    readonly digest: Hex;
    readonly messageId: Hex;
    readonly payload: Hex;
    readonly protobuf: Hex;
    readonly signature: Hex;
    readonly type: number;
  };
}

/** An application message in its wrapper. */
export interface StatusMessageCase extends StatusMetadataCase {
  readonly message: Readonly<Record<string, unknown>>;
  readonly protobuf: Hex;
}

/** A text, encoded layer by layer. */
export interface StatusChainCase extends StatusMetadataCase {
  readonly chatMessage: { readonly fields: Readonly<Record<string, unknown>>; readonly protobuf: Hex };
  readonly mvds?: StatusDatasyncCase;
  readonly recipient?: { readonly public33: Hex; readonly private: Hex };
  readonly toEncryptionLayer?: Hex;
  /** What is passed to the transport unchanged; only of a bare public message. */
  readonly toTransport?: Hex;
}

/** A payload of data synchronisation. */
export interface StatusDatasyncCase {
  readonly name?: string;
  readonly generation: StatusGeneration;
  readonly acks: readonly Hex[];
  readonly offers: readonly Hex[];
  readonly requests: readonly Hex[];
  readonly messages: readonly {
    readonly body: Hex;
    readonly groupId: Hex;
    readonly id: Hex;
    readonly timestamp: string | number;
  }[];
  readonly groupOffers?: readonly { readonly groupId: Hex; readonly messageIds: readonly Hex[] }[];
  readonly protobuf: Hex;
}

/** The state of a group; keys are `0x04…`. */
export interface StatusGroupState {
  readonly name: string;
  readonly admins: readonly string[];
  readonly members: readonly string[];
  readonly joined?: readonly string[];
  readonly color?: string;
  readonly image?: Hex;
}

/** A membership update with the state that its events come to. */
export interface StatusMembershipCase extends StatusMetadataCase {
  readonly chatId: string;
  readonly events: readonly {
    readonly clock: string | number;
    readonly color?: string;
    readonly from: string;
    readonly image?: Hex;
    readonly members: readonly string[];
    readonly name?: string;
    readonly raw: Hex;
    readonly signerPrivate: Hex;
    readonly type: number;
  }[];
  readonly message?: { readonly fields: Readonly<Record<string, unknown>> };
  readonly emojiReaction?: Hex;
  readonly protobuf: Hex;
  readonly state: StatusGroupState;
}

/** A message cut into segments, and what the deployed client said to orders of arrival. */
export interface StatusSegmentationCase {
  readonly name: string;
  readonly generation: StatusGeneration;
  readonly entireMessageHash: Hex;
  /** Absent when it is long: byte i is (7 i + floor(i / 251)) mod 256. */
  readonly payload?: Hex;
  readonly payloadLength: number;
  readonly segmentSize: number;
  readonly segments: readonly {
    /** Of a message that isn't cut. */
    readonly bytes?: Hex;
    readonly index?: number;
    readonly segmentsCount?: number;
    readonly parityIndex?: number;
    readonly parityCount?: number;
    readonly payload?: Hex;
    readonly protobuf?: Hex;
    readonly protobufLength?: number;
    readonly protobufSha256?: Hex;
  }[];
  readonly arrivals?: readonly {
    readonly name: string;
    readonly steps: readonly { readonly segment: number; readonly outcome: string }[];
  }[];
}

/** What the deployed client of a generation said to some bytes. */
export interface StatusVerdict {
  readonly name: string;
  readonly generation: StatusGeneration;
  readonly accepted: boolean;
  readonly bytes: Hex;
  readonly reason?: string;
  readonly envelopeTimestampMs?: string | number;
  readonly nowMs?: string | number;
  readonly messageId?: Hex;
  readonly type?: number;
  readonly state?: StatusGroupState;
}

/** The conversation to which the deployed client assigned a message. */
export interface StatusConversationVerdict extends StatusVerdict {
  readonly author: string;
  readonly me: string;
  readonly conversation?: string;
  readonly joinedPublicChats?: readonly string[];
  readonly group?: {
    readonly id: string;
    readonly members: readonly string[];
    readonly joined?: readonly string[];
  };
}
