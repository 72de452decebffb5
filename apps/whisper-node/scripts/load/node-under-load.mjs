// The built node, on a core of its own where `taskset` is there, and its figures.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';

const program = join(import.meta.dirname, '../../dist/main.js');

/** Moves this process, and those that it starts from now on, to another core than the node's. */
function leaveCoreToNode() {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-apc', `1-${availableParallelism() - 1}`, String(process.pid)], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** Starts it in a folder that is thrown away. */
export async function startNode(settings, profile) {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-load-'));
  const ports = ['relay', 'rpc', 'admin', 'p2p'].flatMap((name) => [`--${name}`, '127.0.0.1:0']);
  const profiler = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  // Collects garbage when told to, so that what is held on to can be seen.
  const collects = `data:text/javascript,${encodeURIComponent("process.on('SIGUSR2', () => globalThis.gc());")}`;
  const command = [process.execPath, '--expose-gc', ...profiler, '--import', collects, program];
  const oneCore = leaveCoreToNode();
  const [file, ...args] = [
    ...(oneCore ? ['taskset', '-c', '0'] : []),
    ...command,
    '--data',
    folder,
    ...ports,
    ...settings,
  ];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const addresses = await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the node ended')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line);
      if (entry.event === 'node.started') resolve(entry);
      else if (entry.level !== 'info') process.stderr.write(`${line}\n`);
    });
  });
  return new NodeUnderLoad(child, folder, addresses, oneCore);
}

class NodeUnderLoad {
  #child;
  #folder;

  constructor(child, folder, { relay, enode, admin }, oneCore) {
    this.#child = child;
    this.#folder = folder;
    this.relay = relay;
    this.enode = enode;
    this.admin = admin;
    this.oneCore = oneCore;
  }

  /** Seconds of CPU that it has had: all threads, and the one that runs its JavaScript; and for which that had to wait for it. */
  cpuSeconds() {
    const tasks = `/proc/${this.#child.pid}/task`;
    const read = (task) =>
      readFileSync(`${tasks}/${task}/schedstat`, 'utf8')
        .split(' ')
        .map((ns) => ns / 1e9);
    const all = readdirSync(tasks).reduce((sum, task) => sum + read(task)[0], 0);
    const [main, waited] = read(this.#child.pid);
    return { all, main, waited };
  }

  /** Bytes of memory that are its own, and of files that it has mapped. */
  #resident() {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const read = (name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return { own: read('RssAnon'), mapped: read('RssFile') };
  }

  async figures() {
    // A connection of its own: one that is kept is closed by the node after five seconds, and this loop may be too busy
    // to notice before it uses it again.
    const [response] = await once(get(`${this.admin}/metrics`, { agent: false }), 'response');
    const lines = (await textOf(response)).split('\n').filter((line) => /^[a-z]/.test(line));
    const all = Object.fromEntries(lines.map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]));
    const read = (name) => all[name] ?? 0;
    return {
      ...this.#resident(),
      taken: ['relay', 'peers'].reduce(
        (sum, from) => sum + read(`whisper_node_envelopes_total{from="${from}"}`),
        0,
      ),
      busy: read('whisper_node_relay_frames_total{kind="publish",outcome="busy"}'),
      repeated: read('whisper_node_peers_repeated'),
      refusedOfPeers: read('whisper_node_peers_refused'),
      bans: read('whisper_node_peers_bans'),
      pool: read('whisper_node_pool_envelopes'),
      archived: read('whisper_node_archive_envelopes'),
      heap: read('nodejs_heap_size_used_bytes'),
      committed: read('nodejs_heap_size_total_bytes'),
      // Of sockets and of hash tables: what a heap does not show.
      external: read('nodejs_external_memory_bytes'),
      // Since it was asked last.
      lag: 1000 * read('nodejs_eventloop_lag_max_seconds'),
    };
  }

  async collectedHeap() {
    this.#child.kill('SIGUSR2');
    const { heap, own, mapped } = await this.figures();
    const [heapMB, ownMB, mappedMB] = [heap, own, mapped].map((bytes) => Math.round(bytes / 1e6));
    return `${heapMB} MB of heap, RSS ${ownMB} MB and ${mappedMB} MB of mapped files`;
  }

  /** Its exit code. */
  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    rmSync(this.#folder, { recursive: true, force: true });
    return code;
  }
}
