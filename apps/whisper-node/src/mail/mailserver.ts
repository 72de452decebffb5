import { type Clock, isSottoError, type Logger, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import {
  channelSymmetricKey,
  checkEnvelope,
  type EnvelopePolicy,
  envelopeHash,
} from '@sotto/whisper-transport';
import type { DirectEnvelope, WhisperHost, WhisperPeer } from '@sotto/whisper-transport/devp2p';
import { encodeMailCompletion, type MailRequest, openMailRequest } from '@sotto/whisper-transport/mailserver';
import type { EnvelopeArchive } from '../archive/envelope-archive.js';

export interface MailserverSettings {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly archive: EnvelopeArchive;
  /** What those who ask have to know. */
  readonly password: string;
  /** What is asked of the envelope of a request. */
  readonly policy: () => EnvelopePolicy;
  /** Told of each request, for figures. */
  readonly onRequest: (outcome: string) => void;
}

/** Bytes of the envelope of a request. They have some 500. */
const REQUEST_MOST = 4 * 1024;
/** Envelopes of one answer. Who wants more goes on with the cursor. */
const ANSWER_MOST = 1_000;
const NO_HASH = new Uint8Array(32);

/** Answers peers that ask for what was archived. */
export class Mailserver {
  readonly #settings: MailserverSettings;
  readonly #key: Uint8Array;
  /** Peers whose request is being answered: one at a time each. */
  readonly #busy = new Set<string>();

  constructor(settings: MailserverSettings) {
    this.#settings = settings;
    this.#key = channelSymmetricKey(settings.crypto, settings.password);
  }

  /** Takes a p2p request, code 126. Who may not ask is not answered. */
  async answer(host: WhisperHost, peer: WhisperPeer, request: DirectEnvelope): Promise<void> {
    const { logger, onRequest } = this.#settings;
    if (this.#busy.has(peer.id)) return onRequest('busy');
    this.#busy.add(peer.id);
    try {
      await this.#send(host, peer, request.bytes, this.#open(request));
      onRequest('answered');
    } catch (error) {
      if (!isSottoError(error)) throw error;
      onRequest('refused');
      logger.info('mail.request-refused', { code: error.code });
    } finally {
      this.#busy.delete(peer.id);
    }
  }

  #open({ bytes, envelope }: DirectEnvelope): MailRequest {
    const { crypto, clock, policy } = this.#settings;
    if (bytes.length > REQUEST_MOST) {
      const details = { what: 'bytes of a mail request', limit: REQUEST_MOST, actual: bytes.length };
      throw new SottoError('LIMIT_EXCEEDED', 'The request is too large.', details);
    }
    checkEnvelope(crypto, envelope, Math.floor(clock.now() / 1000), policy());
    return openMailRequest(crypto, this.#key, envelope);
  }

  async #send(
    host: WhisperHost,
    peer: WhisperPeer,
    requested: Uint8Array,
    request: MailRequest,
  ): Promise<void> {
    const { archive, crypto } = this.#settings;
    const limit = request.limit === 0 ? ANSWER_MOST : Math.min(request.limit, ANSWER_MOST);
    const page = await archive.byBloom({ ...request, limit });
    await host.sendP2pMessages(
      peer.id,
      page.envelopes.map(({ bytes }) => bytes),
    );
    const completion = encodeMailCompletion({
      requestHash: envelopeHash(crypto, requested),
      lastHash: page.envelopes.at(-1)?.hash ?? NO_HASH,
      cursor: page.cursor,
    });
    await host.sendRequestComplete(peer.id, completion);
  }
}
