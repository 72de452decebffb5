import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

type Line = Readonly<Record<string, unknown>>;

const CHAT = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const NODE = join(
  dirname(createRequire(import.meta.url).resolve('@sotto/whisper-node/package.json')),
  'dist',
  'main.js',
);

/** A program under test, and the JSON lines that it has printed. */
export class Program {
  readonly lines: Line[] = [];
  readonly #child: ChildProcess;
  readonly #looks = new Set<() => void>();
  #requests = 0;

  constructor(program: string, flags: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(process.execPath, [program, ...flags], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    createInterface(this.#child.stdout as NodeJS.ReadableStream).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      for (const look of [...this.#looks]) look();
    });
  }

  static chat(flags: readonly string[], environment: NodeJS.ProcessEnv = {}): Program {
    return new Program(CHAT, ['--json', ...flags], environment);
  }

  /** A node with a relay, on any free port. */
  static async node(data: string): Promise<{ readonly program: Program; readonly relay: string }> {
    const off = ['--rpc', 'off', '--admin', 'off', '--p2p', 'off'];
    const program = new Program(NODE, ['--data', data, '--relay', '127.0.0.1:0', ...off]);
    const { relay } = await program.line(({ event }) => event === 'node.started');
    return { program, relay: relay as string };
  }

  /** Resolves with the first line that fits. */
  line(fits: (line: Line) => boolean): Promise<Line> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.find(fits);
        if (found === undefined) return;
        this.#looks.delete(look);
        resolve(found);
      };
      this.#looks.add(look);
      this.#child.once('exit', () => reject(new Error(`It ended. It said: ${JSON.stringify(this.lines)}`)));
      look();
    });
  }

  async ask(request: Line): Promise<Line> {
    const id = ++this.#requests;
    this.#child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    return this.line(({ answer }) => answer === id);
  }

  /** Ends its input; answers its exit code. */
  async end(): Promise<number | null> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    return (await ended)[0];
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
