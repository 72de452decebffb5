import { join } from 'node:path';
import type { Chapter } from './chapter.js';
import type { Checks } from './checks.js';
import { type Screen, styled } from './screen.js';
import { Stage } from './stage.js';

export interface TourOptions {
  readonly screen: Screen;
  readonly checks: Checks;
  /** For all stores; there, and empty. */
  readonly folder: string;
  readonly seed: number;
  readonly verbose: boolean;
  /** Ends the tour where it is. */
  readonly signal?: AbortSignal;
  /** Runs between chapters. */
  readonly onTurn?: () => Promise<void>;
}

/** Plays chapters one after the other, each on a stage of its own: one that breaks off leaves the others alone. */
export async function playTour(chapters: readonly Chapter[], options: TourOptions): Promise<void> {
  const { checks, folder, signal, onTurn } = options;
  const aborted = new Promise<void>((resolve) => {
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  for (const [index, chapter] of chapters.entries()) {
    if (index > 0) await onTurn?.();
    if (signal?.aborted) return;
    heading(options.screen, index + 1, chapter);
    checks.section(chapter.title);
    const stage = new Stage({ ...options, folder: join(folder, chapter.name) });
    const playing = chapter.play(stage);
    try {
      await Promise.race([playing, aborted]);
    } catch (error) {
      if (!signal?.aborted) checks.broke(error);
    } finally {
      // What is under way ends with its stage.
      await stage.close();
      playing.catch(() => undefined);
    }
  }
}

function heading(screen: Screen, number: number, { title }: Chapter): void {
  screen.line();
  screen.line(styled(`${String(number).padStart(2)} ${title}`, 'bold'));
}
