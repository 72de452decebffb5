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
   * People of whom something is remembered (generation, clock, contact request, ids of messages); the least recently active strangers are
   * forgotten first, and no one whose contact request was sent or accepted. Default 2,048.
   */
  readonly maxPeers: number;
  /** Acknowledgements that wait until the user accepts their recipient; beyond it the oldest are not sent. Default 4,096. */
  readonly maxAcknowledgements: number;
  /** Groups. Further ones are refused. Default 256. */
  readonly maxGroups: number;
  /** Events of a group in one message of someone whom the user hasn't accepted. Default 256: each costs a signature recovery. */
  readonly maxStrangerEvents: number;
  /** Groups among them that we have not joined. Further ones are refused. Default 64, more than honest use needs. */
  readonly maxUninvitedGroups: number;
}

/** The limits of a client that is created without any. */
export const DEFAULT_STATUS_CLIENT_LIMITS: StatusClientLimits = Object.freeze({
  maxOutgoing: 1_024,
  maxRepeats: 10,
  maxSeen: 1_024,
  maxPeers: 2_048,
  maxAcknowledgements: 4_096,
  maxGroups: 256,
  maxStrangerEvents: 256,
  maxUninvitedGroups: 64,
});
