import type { GroupLog } from '@sotto/group-log';

/** Groups that one sender sends us in parts at the same time; the oldest are dropped first. */
const GROUPS_OF_SENDER = 4;
/** Bytes of such groups, of all senders; the oldest are dropped first. Four full logs. */
const PARTIAL_MAX_BYTES = 16 * 1024 * 1024;
/** Bytes that a smaller one counts as, since it takes as much memory: so 2,048 are kept at most. */
const PARTIAL_LEAST_BYTES = 8 * 1024;

type PartialLog = Pick<GroupLog, 'groupId' | 'bytes' | 'waitingBytes'>;

/** Logs of groups that are not known yet and arrive in parts: in memory only, within bounds. */
export class PartialLogs<T extends PartialLog = GroupLog> {
  /** By sender and group; the one that grew last is last. */
  readonly #logs = new Map<string, T>();

  /** @param sender 66 hex digits */
  get(sender: string, groupId: string): T | undefined {
    return this.#logs.get(`${sender} ${groupId}`);
  }

  set(sender: string, log: T): void {
    this.delete(sender, log.groupId);
    const ofSender = [...this.#logs.keys()].filter((key) => key.startsWith(sender));
    for (const key of ofSender.slice(0, 1 - GROUPS_OF_SENDER)) this.#logs.delete(key);
    this.#logs.set(`${sender} ${log.groupId}`, log);
    let bytes = 0;
    for (const one of this.#logs.values()) bytes += bytesOf(one);
    for (const [key, one] of this.#logs) {
      if (bytes <= PARTIAL_MAX_BYTES) break;
      bytes -= bytesOf(one);
      this.#logs.delete(key);
    }
  }

  delete(sender: string, groupId: string): void {
    this.#logs.delete(`${sender} ${groupId}`);
  }
}

function bytesOf({ bytes, waitingBytes }: PartialLog): number {
  return Math.max(PARTIAL_LEAST_BYTES, bytes + waitingBytes);
}
