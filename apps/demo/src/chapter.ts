import type { Stage } from './stage.js';

/** A part of the tour that stands on its own. */
export interface Chapter {
  /** What `--only` calls it. */
  readonly name: string;
  readonly title: string;
  play(stage: Stage): Promise<void>;
}
