import { decodeUtf8, type ErrorCode, encodeUtf8, SottoError, type Store, type Write } from '@sotto/core';
import type { ReceivedMessage } from '@sotto/messenger';
import type { StatusProfile } from '../profile.js';
import type { Segment } from '../segmentation.js';

/*
 * Records are JSON with a version, in the messenger's store, so that they change in the commit of the message. Identities, message ids and
 * group ids are in hex; clocks are decimal texts.
 *
 * app/status/peer/<identity>                   PeerRecord
 * app/status/chat/<name>                       ChatRecord of a public chat
 * app/status/group/<group id>                  GroupRecord
 * app/status/seen/<scope>/<message id>         SeenRecord; the scope is an identity, or p- and the name of a public chat
 * app/status/ring/<scope>/<slot>               RingRecord: which message id is forgotten when the slot is used again
 * app/status/outgoing/<identity>/<datasync id> OutgoingRecord: what waits to be sent or acknowledged
 * app/status/ack/<identity>/<datasync id>      AckRecord: an acknowledgement that is to be sent
 * app/status/held/<identity>/<message id>      HeldRecord: a message without data synchronisation that can't be judged yet
 * app/status/segment/<identity>/<hash>/<index> when the first segment of its message came, and this one as it came; parity ones have p before
 *                                              the index
 */
const ROOT = 'app/status';
const VERSION = 1;

/** One side of a contact request. */
export interface ContactSide {
  /** 0 none, 2 sent, 3 received, 4 dismissed. */
  readonly state: number;
  readonly clock: string;
}

export interface PeerRecord {
  readonly generation?: StatusProfile['name'] | undefined;
  /** Highest clock of the 1:1 conversation. */
  readonly clock: string;
  /** Number of ids remembered so far, which gives the next slot. */
  readonly seen: number;
  /** When it was last changed, in milliseconds since the epoch: the least recent are forgotten first. */
  readonly touchedAt: number;
  /** As they call themselves. */
  readonly displayName: string;
  readonly local: ContactSide;
  readonly remote: ContactSide;
  /** Id of their contact request; the default id when it came by a contact update. */
  readonly theirRequest?: string | undefined;
  /** Id of our contact request. */
  readonly ourRequest?: string | undefined;
  /** Messages taken of them while the user had not accepted them. */
  readonly strangeMessages?: number | undefined;
  /** Whether the user had made them a contact of the messenger. */
  readonly wasContact?: boolean | undefined;
  /** How the user has ended the contact: further requests wait for the user. */
  readonly ended?: 'retracted' | 'removed' | undefined;
  /** Whether their request waits for the user, who has accepted them before and ended the contact. */
  readonly asksAgain?: boolean | undefined;
  /** Whether their request was answered. */
  readonly answered: boolean;
}

export const NEW_PEER: PeerRecord = {
  clock: '0',
  seen: 0,
  touchedAt: 0,
  displayName: '',
  local: { state: 0, clock: '0' },
  remote: { state: 0, clock: '0' },
  answered: false,
};

export interface ChatRecord {
  readonly clock: string;
  readonly seen: number;
}

export const NEW_CHAT: ChatRecord = { clock: '0', seen: 0 };

export interface GroupRecord {
  readonly chatId: string;
  readonly clock: string;
  /** Base64 of each raw event. */
  readonly events: readonly string[];
  /** What the events come to; `0x04…` each, in the order in which they were added. */
  readonly name: string;
  readonly members: readonly string[];
  readonly joined: readonly string[];
  readonly admins: readonly string[];
  /** Who added us, or else told us of the group. */
  readonly from: string;
  /** When we learnt of it, in milliseconds since the epoch. */
  readonly knownAt: number;
}

export interface SeenRecord {
  readonly slot: number;
}

export interface RingRecord {
  readonly id: string;
}

export interface OutgoingRecord {
  /** Id of the message, `0x` and hex. */
  readonly messageId: string;
  /** Of a message to a Status group: its id. */
  readonly groupId?: string | undefined;
  /** Base64 of the metadata message. */
  readonly body: string;
  /** Seconds since the epoch. */
  readonly timestamp: string;
  /** Times that it was given to the messenger by the schedule. */
  readonly sent: number;
  /** When it was given to the messenger last, in milliseconds since the epoch. */
  readonly sentAt?: number | undefined;
  /** When it is sent again, in milliseconds since the epoch. */
  readonly nextAt: number;
  /** Orders what is sent to one recipient. */
  readonly order: number;
  /** The messenger's id of the copy sent last. */
  readonly lastId?: string | undefined;
  /** A copy for our own devices: sent once, without data synchronisation. */
  readonly once?: true | undefined;
  /** What the client sends of its own accord, such as that we joined a group: when it fails, it is repeated, and nobody is asked. */
  readonly unasked?: true | undefined;
  /** Times that it was sent again because its recipient showed a sign of life. */
  readonly hurried?: number | undefined;
  /** The schedule has ended. It is sent again on a sign of life only; a late acknowledgement still counts. */
  readonly ended?: true | undefined;
  /** Error code for which its first copy could not be sent: it waits for the user. */
  readonly failure?: ErrorCode | undefined;
}

export interface AckRecord {
  /** Orders them by age. */
  readonly at: number;
}

/** A message that can't be judged yet, with what the messenger said of it. */
export interface HeldRecord {
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
  readonly sender: string;
  readonly id: string;
  readonly senderInstallation: string;
  readonly protection: ReceivedMessage['protection'];
  /** Absent: it isn't sealed. */
  readonly sealedSender?: boolean | undefined;
  readonly verified: boolean;
  readonly ownCopy: boolean;
  readonly late: boolean;
  readonly receivedAt: number;
  readonly sentAt: number;
  /** Of the metadata message, `0x` and hex. */
  readonly messageId: string;
  /** Base64 of the metadata message. */
  readonly bytes: string;
}

export const heldPrefix = `${ROOT}/held/`;
export const heldKey = (sender: string, id: string) => `${heldPrefix}${sender}/${id}`;
export const peersPrefix = `${ROOT}/peer/`;
export const groupsPrefix = `${ROOT}/group/`;
export const outgoingPrefix = `${ROOT}/outgoing/`;
export const acksPrefix = `${ROOT}/ack/`;
export const peerKey = (identity: string) => `${peersPrefix}${identity}`;
export const chatKey = (name: string) => `${ROOT}/chat/${name}`;
export const groupKey = (groupId: string) => `${groupsPrefix}${groupId}`;
export const seenPrefix = (scope: string) => `${ROOT}/seen/${scope}/`;
export const seenKey = (scope: string, id: string) => `${seenPrefix(scope)}${id}`;
export const ringPrefix = (scope: string) => `${ROOT}/ring/${scope}/`;
export const ringKey = (scope: string, slot: number) => `${ringPrefix(scope)}${slot}`;
export const outgoingKey = (peer: string, id: string) => `${outgoingPrefix}${peer}/${id}`;
export const ackKey = (peer: string, id: string) => `${acksPrefix}${peer}/${id}`;

export const segmentsPrefix = `${ROOT}/segment/`;
/** @param name identity and hash, with `/` between */
const segmentPrefix = (name: string) => `${segmentsPrefix}${name}/`;
export const segmentKey = (
  name: string,
  {
    index,
    segmentsCount,
    paritySegmentIndex,
  }: Pick<Segment, 'index' | 'segmentsCount' | 'paritySegmentIndex'>,
) => `${segmentPrefix(name)}${segmentsCount === 0 ? `p${paritySegmentIndex}` : index}`;

/** The rest of a key after its prefix, in its parts. */
export function partsOf(key: string, prefix: string): readonly string[] {
  return key.slice(prefix.length).split('/');
}

/** What records are read from. */
interface Source {
  read(key: string): Promise<Uint8Array | undefined>;
}

/** Reads records, and collects writes for one commit: what was written is read back. */
export class Draft implements Source {
  readonly #source: Source;
  readonly #writes = new Map<string, Write>();
  readonly #hooks: (() => void)[] = [];

  private constructor(source: Source) {
    this.#source = source;
  }

  /** A draft of the next commit to a store. */
  static of(store: Store): Draft {
    return new Draft({ read: async (key) => (await store.get(key))?.value });
  }

  /** A part of this draft that can be dropped; {@link merge} adds it. */
  branch(): Draft {
    return new Draft(this);
  }

  /** Adds all of a {@link branch}. */
  merge(branch: Draft): void {
    for (const [key, write] of branch.#writes) this.#writes.set(key, write);
    this.#hooks.push(...branch.#hooks);
  }

  /** The value as this commit leaves it. */
  async read(key: string): Promise<Uint8Array | undefined> {
    const written = this.#writes.get(key);
    if (written === undefined) return this.#source.read(key);
    return written.type === 'put' ? written.value : undefined;
  }

  /** @throws STORE codes, STATE_CORRUPT, STATE_VERSION_UNSUPPORTED */
  async get<T extends object>(key: string): Promise<T | undefined> {
    const bytes = await this.read(key);
    return bytes && decodeRecord<T>(bytes);
  }

  put<T extends object>(key: string, value: T): void {
    const bytes = encodeUtf8(JSON.stringify({ version: VERSION, ...value }));
    this.#writes.set(key, { type: 'put', key, value: bytes });
  }

  delete(key: string): void {
    this.#writes.set(key, { type: 'delete', key });
  }

  /** Runs something once the commit has succeeded. */
  onCommit(run: () => void): void {
    this.#hooks.push(run);
  }

  /** All writes so far. */
  get writes(): readonly Write[] {
    return [...this.#writes.values()];
  }

  /** Call it when the writes are stored. */
  committed(): void {
    for (const run of this.#hooks.splice(0)) run();
  }
}

/** @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED */
export function decodeRecord<T extends object>(bytes: Uint8Array): T {
  let record: (T & { readonly version?: unknown }) | null;
  try {
    record = JSON.parse(decodeUtf8(bytes)) as typeof record;
  } catch (cause) {
    throw corrupt('not JSON', cause);
  }
  if (typeof record !== 'object' || record === null || typeof record.version !== 'number')
    throw corrupt('not a record');
  if (record.version <= VERSION) return record;
  throw new SottoError('STATE_VERSION_UNSUPPORTED', 'This was stored by newer software.', {
    what: 'Status record',
    version: record.version,
  });
}

function corrupt(reason: string, cause?: unknown): SottoError<'STATE_CORRUPT'> {
  const details = { what: 'Status record', reason };
  return new SottoError('STATE_CORRUPT', 'A stored record is damaged.', details, { cause });
}
