import { join } from 'node:path';
import type { Chapter } from './chapter.js';
import type { Checks } from './checks.js';
import { type Screen, styled } from './screen.js';
import { Stage } from './stage.js';

export interface TourOptions {
  readonly screen: Screen;
  readonly checks: Checks;
  /** An existing, empty directory for all stores. */
  readonly folder: string;
  readonly seed: number;
  readonly verbose: boolean;
  /** Stops the tour. */
  readonly signal?: AbortSignal;
  /** Runs between chapters. */
  readonly onTurn?: () => Promise<void>;
}

/** Plays chapters one after the other, each on a stage of its own, so that a failing one does not affect the others. */
export async function playTour(chapters: readonly Chapter[], options: TourOptions): Promise<void> {
  for (const [index, chapter] of chapters.entries()) {
    if (index > 0) await options.onTurn?.();
    if (options.signal?.aborted) return;
    heading(options.screen, index + 1, chapter);
    await playChapter(chapter, options);
  }
}

async function playChapter(chapter: Chapter, options: TourOptions): Promise<void> {
  const { checks, folder, signal } = options;
  checks.section(chapter.title);
  const stage = new Stage({ ...options, folder: join(folder, chapter.name) });
  const close = () => stage.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    await chapter.play(stage);
  } catch (error) {
    if (!signal?.aborted) checks.interrupted(error);
  } finally {
    signal?.removeEventListener('abort', close);
    await close();
  }
}

function heading(screen: Screen, number: number, { title }: Chapter): void {
  screen.line();
  screen.line(styled(`${String(number).padStart(2)} ${title}`, 'bold'));
}
