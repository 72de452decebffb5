/** What a {@link StatusClient} keeps at most. Others can make each of these grow. */
export interface StatusClientLimits {
  /**
   * Messages of ours that wait for an acknowledgement, of all recipients; a message to a group counts once for each member. Beyond it the
   * oldest are no longer repeated. Default 1,024.
   */
  readonly maxOutgoing: number;
  /**
   * Times that a message without acknowledgement is sent again. Default 10: with the growing gaps of the schedules more than an hour
   * (2020), or a night (2024). Whoever is away longer gets it from the history of the network.
   */
  readonly maxRepeats: number;
  /** Ids of received messages that are remembered for each person and public chat, to recognise repeats. Default 1,024. */
  readonly maxSeen: number;
  /**
   * Strangers of whom something is remembered (generation, clock, contact request, ids of messages); the least recently active ones are
   * forgotten first. People whom the user has accepted don't count, and are not forgotten. Default 2,048.
   */
  readonly maxPeers: number;
  /**
   * Messages without data synchronisation that can't be judged yet, such as one to a group that we don't know: they are kept for a week, and the
   * oldest are dropped first. Default 256, of 64 KiB each.
   */
  readonly maxHeld: number;
  /** The same of one person. Default 32, so that one person can't displace those of all others. */
  readonly maxHeldPerSender: number;
  /** Messages named by one read receipt; further ones are ignored, and of ours the latest ones are named. Default 256: each is looked up. */
  readonly maxReadAtOnce: number;
  /** Acknowledgements that wait until the user accepts their recipient; beyond it the oldest are not sent. Default 4,096. */
  readonly maxAcknowledgements: number;
  /**
   * Groups that we are in, and as many that we left. Further ones are refused, and not acknowledged, so that they come again; of those left,
   * the oldest are forgotten. Default 256.
   */
  readonly maxGroups: number;
  /**
   * New events of a group that are looked at in one message, the earliest first; the others when it comes again. Default 256: each costs a
   * signature recovery, which takes one to three milliseconds.
   */
  readonly maxNewEvents: number;
  /**
   * Groups to which people added us whom the user hasn't accepted; the oldest are forgotten first, as message requests are. Default 64, more
   * than honest use needs.
   */
  readonly maxUninvitedGroups: number;
  /**
   * Events of a group by one member who is no administrator, but for joining and leaving; further ones have no effect here. Default 64. Names,
   * colours and pictures that a later one replaces aren't kept, and don't count.
   */
  readonly maxEventsPerMember: number;
  /**
   * The same of all members together. Default 512: of the `maxEvents` that a group can have (2,000), most are left to administrators, so
   * that members can't keep them from changing it.
   */
  readonly maxEventsOfMembers: number;
  /** People whom members, who aren't administrators, add to a group, those who left again included. Default 192: a text goes to each. */
  readonly maxAddedByMembers: number;
  /** Bytes of an event by a member who is no administrator. Default 128 KiB: a picture goes out with each text. */
  readonly maxMemberEventBytes: number;
  /**
   * Messages of someone whom the user hasn't accepted, however many are in one payload. Further ones are not acknowledged, so that they come
   * again once the user accepts. Default 200, as many as the messenger takes payloads.
   */
  readonly maxStrangerMessages: number;
}

/** The limits of a client that is created without any. */
export const DEFAULT_STATUS_CLIENT_LIMITS: StatusClientLimits = Object.freeze({
  maxOutgoing: 1_024,
  maxRepeats: 10,
  maxSeen: 1_024,
  maxPeers: 2_048,
  maxHeld: 256,
  maxHeldPerSender: 32,
  maxReadAtOnce: 256,
  maxAcknowledgements: 4_096,
  maxGroups: 256,
  maxNewEvents: 256,
  maxUninvitedGroups: 64,
  maxEventsPerMember: 64,
  maxEventsOfMembers: 512,
  maxAddedByMembers: 192,
  maxMemberEventBytes: 128 * 1024,
  maxStrangerMessages: 200,
});
