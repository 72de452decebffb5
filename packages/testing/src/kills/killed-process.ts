import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers';
import { killWhenHung } from './hung-process.js';
import { NetworkBridge } from './network-bridge.js';

/** How a process lives. It says `ready` when its work begins, and `ended` when all of it is done. */
export interface Life {
  /** The program, which gets its argument as JSON. */
  readonly program: string;
  readonly argument: object;
  /** Whether it dies, at one of so many commits (0: not at commits) or within so many milliseconds of its work. */
  readonly death: { readonly commits: number; readonly ms: number } | undefined;
  readonly network: ConstructorParameters<typeof NetworkBridge>[0];
  readonly onMessage: (message: { readonly type: string }, child: ChildProcess) => void;
}

/** One life of a process, to the end or to a death at a random moment. @returns whether it lived to the end */
export async function liveOnce({ program, argument, death, network, onMessage }: Life): Promise<boolean> {
  const atCommit = death !== undefined && death.commits > 0 && randomInt(2) === 0;
  const killed = atCommit && {
    killAt: randomInt(1, death.commits + 1),
    killWhen: randomInt(2) === 0 ? 'before' : 'after',
  };
  const child = fork(program, [JSON.stringify({ ...argument, ...killed })], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const throwIfHung = killWhenHung(child);
  let trouble = '';
  child.stderr?.on('data', (data) => {
    trouble += data;
  });
  let ended = false;
  const bridge = new NetworkBridge(network, child);
  child.on('message', (message: { readonly type: string }) => {
    if (message.type === 'ready' && death !== undefined && !atCommit)
      setTimeout(() => child.kill('SIGKILL'), randomInt(death.ms)).unref();
    if (message.type === 'ended') ended = true;
    else onMessage(message, child);
  });
  await new Promise((resolve) => child.on('close', resolve));
  await bridge.close();
  throwIfHung();
  if (!ended && child.signalCode !== 'SIGKILL') throw new Error(`the process ended by itself: ${trouble}`);
  return ended;
}
