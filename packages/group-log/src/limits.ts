/*
 * Rules of the protocol: everyone has to judge a change alike, so these are not configurable. Each is a function of the
 * change and its own ancestors.
 */

/** Longest name of a group in bytes of UTF-8. */
export const GROUP_NAME_MAX_BYTES = 256;
/** Most members of a group. Everyone encrypts for everyone, so more would not be usable. */
export const GROUP_MEMBERS_MAX = 1000;
/** Most administrators of a group: few enough that they can know each other, and that a duel of all stays small. */
export const GROUP_ADMINS_MAX = 64;
/** Largest signed change in bytes: a full list of members (33 kB) with room to spare. */
export const CHANGE_MAX_BYTES = 64 * 1024;
/** Most parents of a change: more heads than that are left for the next one. */
export const CHANGE_PARENTS_MAX = 16;
/** Most ordinary changes (create, rename, add, promote) of one author among the ancestors of a change, itself included. */
export const AUTHOR_CHANGES_MAX = 1024;
/** Most bytes of those. Also the most bytes of the author's revocations, counted apart. */
export const AUTHOR_BYTES_MAX = 1024 * 1024;
/**
 * Most revocations (remove, demote, leave) and claims of one author among the ancestors of a change, itself included.
 * Counted apart from the ordinary ones, so that an administrator who has used those up can still remove members.
 */
export const AUTHOR_REVOCATIONS_MAX = 512;
/** Most identities that one author's additions name among the ancestors of a change: four full groups. */
export const AUTHOR_NAMES_MAX = 4096;

/** What one device keeps of a log. Local: they bound memory, and never change the meaning of a stored change. */
export interface GroupLogLimits {
  /**
   * Most changes of one author that no other author has built on, revocations apart: what one can add by forking the
   * log, where {@link AUTHOR_CHANGES_MAX} counts each branch alone. Default 1,024: all that one branch may have.
   */
  readonly looseChanges: number;
  /** The same in bytes. Default 1 MiB. */
  readonly looseBytes: number;
  /** The same for revocations and claims. Default 512. */
  readonly looseRevocations: number;
  /** The same for `leave`, which every former member can sign. Default 8: several devices at the same time. */
  readonly looseLeaves: number;
  /** Most effective changes of one author side by side that nothing builds on. Default 64: honest devices have a few. */
  readonly looseHeads: number;
  /**
   * Most changes of one author that are kept although they have no effect and nothing effective builds on them. They take
   * effect only if the revocation that voided them is itself voided, and can be sent again then. Default 64.
   */
  readonly voidChanges: number;
  /** Most changes of a log. Default 4,096: a group that changes ten times a day for a year. */
  readonly changes: number;
  /** Most bytes of a log. Default 4 MiB. */
  readonly bytes: number;
  /** Changes beyond that, for revocations and claims alone: administrators can act in a full log. Default 2,048. */
  readonly reservedChanges: number;
  /** Bytes beyond that, for the same. Default 2 MiB. */
  readonly reservedBytes: number;
  /** Most changes in one batch. Default 1,024: a message of 128 KiB holds no more of them. */
  readonly batch: number;
  /** Changes of one sender that wait for ancestors. Default 256, the small ones that one message of 64 KiB holds. */
  readonly orphansOfSender: number;
  /** Bytes of those. Default 64 KiB: one message that came before its predecessor. */
  readonly orphanBytesOfSender: number;
  /** Changes that wait, of all senders; the oldest are dropped first. Default 1,024. */
  readonly orphans: number;
  /** Bytes of those. Default 256 KiB. */
  readonly orphanBytes: number;
}

/** The limits of a log that is created without any. */
export const DEFAULT_GROUP_LOG_LIMITS: GroupLogLimits = {
  looseChanges: 1024,
  looseBytes: 1024 * 1024,
  looseRevocations: 512,
  looseLeaves: 8,
  looseHeads: 64,
  voidChanges: 64,
  changes: 4096,
  bytes: 4 * 1024 * 1024,
  reservedChanges: 2048,
  reservedBytes: 2 * 1024 * 1024,
  batch: 1024,
  orphansOfSender: 256,
  orphanBytesOfSender: 64 * 1024,
  orphans: 1024,
  orphanBytes: 256 * 1024,
};
