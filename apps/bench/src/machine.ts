import { availableParallelism, cpus, totalmem } from 'node:os';

/** Describes the hardware of the measurement without identifying the machine. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${model}, ${availableParallelism()} cores, ${memory} GiB; ${process.platform} ${process.arch}; Node ${process.version}`;
}
