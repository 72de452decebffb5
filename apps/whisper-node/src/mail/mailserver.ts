import { type Clock, isSottoError, type Logger } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { addressName, type DirectEnvelope, type WhisperHost, type WhisperPeer } from '@sotto/whisper-devp2p';
import {
  type BareMailRequest,
  encodeMailCompletion,
  MAIL_LIMIT_MOST,
  type MailRequest,
  mailRefusal,
  openMailRequest,
} from '@sotto/whisper-devp2p/mailserver';
import type { EnvelopePolicy } from '@sotto/whisper-transport';
import {
  channelSymmetricKey,
  checkEnvelope,
  envelopeHash,
  proofOfWork,
} from '@sotto/whisper-transport/whisper';
import type { EnvelopeArchive } from '../archive/envelope-archive.js';
import { parseAddress } from '../http/address.js';
import { Rates } from '../limits/rates.js';

/** The password that all clients of deployed networks know: not a secret. */
const PUBLIC_PASSWORD = 'status-offline-inbox';

/** The part of a host that answers use. */
export type MailHost = Pick<WhisperHost, 'sendP2pMessages' | 'sendRequestComplete'>;

/** Whom it answers. */
export type MailPeer = Pick<WhisperPeer, 'id' | 'address'>;

export interface MailserverSettings {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly archive: Pick<EnvelopeArchive, 'byBloom'>;
  /** The password of requests. */
  readonly password: string;
  /** Whether requests without a password are answered although the password is a secret. */
  readonly withoutPassword: boolean;
  /** Requirements on the envelopes of requests. */
  readonly policy: () => EnvelopePolicy;
  /** Called for each request, for metrics. */
  readonly onRequest: (outcome: string) => void;
}

/**
 * What the requests of one address may cost: so much a second, and at once, in thousands of records that are looked at, five milliseconds
 * of work each. A request looks at 50 at most.
 */
const COST_A_SECOND = 25;
const COST_AT_ONCE = 200;
const RECORDS_PER_COST = 1_000;
/** Most bytes of a request's envelope. They have about 500. */
const REQUEST_MOST = 4 * 1024;
const NO_HASH = new Uint8Array(32);

/** Answers peers' requests for archived envelopes, or refuses them. */
export class Mailserver {
  readonly #settings: MailserverSettings;
  readonly #key: Uint8Array;
  readonly #answersAll: boolean;
  /** Peers with a pending request: one each. */
  readonly #busy = new Set<string>();
  readonly #rates: Rates;

  constructor(settings: MailserverSettings) {
    this.#settings = settings;
    this.#key = channelSymmetricKey(settings.crypto, settings.password);
    this.#rates = new Rates(settings.clock, COST_A_SECOND, COST_AT_ONCE);
    this.#answersAll = settings.withoutPassword || settings.password === PUBLIC_PASSWORD;
  }

  /** Answers a p2p request, code 126, sealed with the password. */
  async answer(host: MailHost, peer: MailPeer, request: DirectEnvelope): Promise<void> {
    const id = envelopeHash(this.#settings.crypto, request.bytes);
    await this.#reply(host, peer, id, () => this.#open(request));
  }

  /** Answers a request without envelope and password. */
  async answerBare(host: MailHost, peer: MailPeer, request: BareMailRequest): Promise<void> {
    await this.#reply(host, peer, request.id, () => {
      if (!this.#answersAll) throw new Refusal('a password is needed here');
      return request;
    });
  }

  async #reply(
    host: MailHost,
    peer: MailPeer,
    requestId: Uint8Array,
    read: () => MailRequest,
  ): Promise<void> {
    const { logger, onRequest } = this.#settings;
    const refuse = async (outcome: string, reason: string) => {
      onRequest(outcome);
      const completion = encodeMailCompletion({ outcome: 'refused', requestId, reason });
      await host.sendRequestComplete(peer.id, completion);
    };
    const isBusy = this.#busy.has(peer.id);
    if (!isBusy) this.#busy.add(peer.id);
    const client = clientOf(peer);
    try {
      if (isBusy) return await refuse('busy', 'one request at a time');
      const wait = this.#rates.take(client, 1);
      if (wait === undefined) return await refuse('busy', 'too many requests from this address');
      if (wait > 0) await new Promise<void>((resolve) => this.#settings.clock.after(wait, resolve));
      try {
        await this.#send(host, peer, requestId, checked(read()));
        onRequest('answered');
      } catch (error) {
        const reason = reasonOf(error);
        if (reason === undefined) throw error;
        await refuse('refused', reason);
      }
    } catch (error) {
      if (!isSottoError(error)) throw error;
      // The peer has disconnected, or the archive can't be read.
      onRequest('failed');
      logger.info('mail.request-failed', { code: error.code });
    } finally {
      if (!isBusy) this.#busy.delete(peer.id);
    }
  }

  #open({ bytes, envelope }: DirectEnvelope): MailRequest {
    const { crypto, clock, policy } = this.#settings;
    if (bytes.length > REQUEST_MOST) throw new Refusal('the request is too large');
    const { minimumPow } = policy();
    // First, as deployed mailservers do: a client may wait for these words.
    if (!(proofOfWork(crypto, envelope) >= minimumPow)) throw new Refusal('PoW() is too low');
    checkEnvelope(crypto, envelope, Math.floor(clock.now() / 1000), policy());
    return openMailRequest(crypto, this.#key, envelope);
  }

  async #send(host: MailHost, peer: MailPeer, requestId: Uint8Array, request: MailRequest): Promise<void> {
    const limit = request.limit === 0 ? MAIL_LIMIT_MOST : request.limit;
    const page = await this.#settings.archive.byBloom({ ...request, limit });
    this.#rates.charge(clientOf(peer), page.lookedAt / RECORDS_PER_COST);
    const envelopes = page.envelopes.map(({ bytes }) => bytes);
    await host.sendP2pMessages(peer.id, envelopes, { batch: request.batch });
    const completion = encodeMailCompletion({
      outcome: 'completed',
      requestId,
      lastHash: page.envelopes.at(-1)?.hash ?? NO_HASH,
      cursor: page.cursor,
    });
    await host.sendRequestComplete(peer.id, completion);
  }
}

/** The name of a peer's address, whatever its port. */
function clientOf({ address }: MailPeer): string {
  return addressName(parseAddress(address)?.host ?? address);
}

/** A refusal that is sent to the client. */
class Refusal extends Error {}

function checked(request: MailRequest): MailRequest {
  const reason = mailRefusal(request);
  if (reason !== undefined) throw new Refusal(reason);
  return request;
}

/** The refusal for an error; `undefined` when the client isn't to blame. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Refusal) return error.message;
  if (isSottoError(error, 'AUTHENTICATION_FAILED')) return 'failed to decrypt p2p request';
  if (isSottoError(error, 'MALFORMED_MESSAGE')) return `request is invalid: ${error.details.reason}`;
  if (isSottoError(error, 'LIMIT_EXCEEDED')) return `request is invalid: ${error.details.what}`;
  if (isSottoError(error, 'INVALID_SIGNATURE')) return 'request is invalid: not a valid signature';
  if (isSottoError(error, 'STORE_UNAVAILABLE')) return 'the archive cannot be read now';
  return undefined;
}
