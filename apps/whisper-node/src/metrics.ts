import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Metrics for Prometheus. */
export class Metrics {
  readonly registry = new Registry();
  readonly #envelopes = this.#counter('envelopes_total', 'Envelopes added to the pool', ['from']);
  readonly #relayFrames = this.#counter('relay_frames_total', 'Frames of clients of the relay', [
    'kind',
    'outcome',
  ]);
  readonly #rpcCalls = this.#counter('rpc_calls_total', 'Calls by JSON-RPC', ['method', 'outcome']);
  readonly #mail = this.#counter('mail_requests_total', 'Requests for history by peers', ['outcome']);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  countEnvelope(from: string): void {
    this.#envelopes.inc({ from });
  }

  countRelayFrame(kind: string, outcome: string): void {
    this.#relayFrames.inc({ kind, outcome });
  }

  /** @param method an existing one: names made up by clients are not counted */
  countRpcCall(method: string, outcome: string): void {
    this.#rpcCalls.inc({ method, outcome });
  }

  countMailRequest(outcome: string): void {
    this.#mail.inc({ outcome });
  }

  /** A gauge that is read when it is requested. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `whisper_node_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `whisper_node_${name}`, help, labelNames, registers: [this.registry] });
  }
}
