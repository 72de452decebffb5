import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A process of its own that runs one of the files in `children`. */
export interface Child {
  readonly pid: number;
  /** What it has said so far, line by line. */
  readonly lines: readonly string[];
  /** Resolves when it has said a line that the test accepts; rejects when it ends before. */
  said(accepts: (line: string) => boolean): Promise<void>;
  kill(): void;
  /** Ends its stdin. */
  end(): void;
  /** Resolves when it has ended, with what it had to say on stderr. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

const builds = new Map<string, Promise<string>>();

/** The path of a child's code, ready for Node to run. */
export function buildChild(name: string): Promise<string> {
  const output = fileURLToPath(new URL(`../node_modules/.cache/children/${name}.mjs`, import.meta.url));
  const built =
    builds.get(name) ??
    build({
      entryPoints: [fileURLToPath(new URL(`children/${name}.ts`, import.meta.url))],
      outfile: output,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      packages: 'external',
    }).then(() => output);
  builds.set(name, built);
  return built;
}

/** Starts a command that speaks by lines. */
export function startProcess(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Child {
  const process_ = spawn(command, args, { env: { ...process.env, ...env } });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  let rest = '';
  let over = false;
  process_.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() as string;
    lines.push(...parts);
    for (const look of waiting) look();
  });
  process_.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    process_.on('error', (error) => {
      stderr += error.message;
    });
    process_.on('close', (code) => {
      over = true;
      for (const look of waiting) look();
      resolve({ code, stderr });
    });
  });
  return {
    pid: process_.pid as number,
    lines,
    ended,
    kill: () => process_.kill('SIGKILL'),
    end: () => process_.stdin.end(),
    said: (accepts) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!over && !lines.some(accepts)) return;
          waiting.delete(look);
          if (lines.some(accepts)) resolve();
          else reject(new Error(`The process ended before it said so: ${stderr}`));
        };
        waiting.add(look);
        look();
      }),
  };
}
