import { once } from 'node:events';
import { type AddressInfo, createServer, connect as openSocket, type Server, type Socket } from 'node:net';

/** What becomes of the next message that names a statement. */
interface Accident {
  readonly statement: string;
  /**
   * - `request lost`: the connection ends before the server has it.
   * - `answer lost`: the server has it, and the connection ends before the answer.
   * - `request late`: the connection ends, and the server gets it when `deliver` is called.
   */
  readonly kind: 'request lost' | 'answer lost' | 'request late';
}

/** A network between clients and a server, for accidents. */
export class Wire {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #accident: Accident | undefined;
  #silent = false;
  /** Delivers what is late. */
  deliver: () => Promise<void> = async () => {};

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#connect(client));
  }

  /** @param target a port on 127.0.0.1 */
  static async start(target: number): Promise<Wire> {
    const wire = new Wire(target);
    await once(wire.#server.listen(0, '127.0.0.1'), 'listening');
    return wire;
  }

  /** The address of a database on the other side. */
  through(url: string): string {
    return url.replace(/:\d+\//, `:${(this.#server.address() as AddressInfo).port}/`);
  }

  /** Has an accident with the next message that names a statement. */
  arrange(accident: Accident): void {
    this.#accident = accident;
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Neither passes anything on nor ends any connection, as a cable that was pulled. */
  pull(): void {
    this.#silent = true;
  }

  /** The cable is back. What was on its way before is lost. */
  mend(): void {
    this.#silent = false;
    this.cut();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #connect(client: Socket): void {
    const server = openSocket(this.#target, '127.0.0.1');
    let answering = true;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    }
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    server.on('data', (data) => {
      if (!answering) client.destroy();
      else if (!this.#silent) client.write(data);
    });
    client.on('data', (data) => {
      if (this.#silent) return;
      const accident = this.#accident;
      if (accident === undefined || !data.includes(accident.statement)) {
        server.write(data);
        return;
      }
      this.#accident = undefined;
      if (accident.kind === 'answer lost') {
        answering = false;
        server.write(data);
      } else if (accident.kind === 'request lost') client.destroy();
      else {
        client.removeAllListeners('close');
        client.destroy();
        this.#sockets.delete(client);
        this.deliver = async () => {
          const answered = once(server, 'data');
          server.write(data);
          await answered;
          server.destroy();
        };
      }
    });
  }
}
