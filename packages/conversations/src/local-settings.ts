import { decodeHex, type PublicKey, SottoError, type Write } from '@sotto/core';
import type { History } from './history.js';
import {
  draftsPrefix,
  mismatchesPrefix,
  mutesPrefix,
  put,
  type StoredDraft,
  type StoredMismatch,
  type StoredMute,
} from './storage.js';

/**
 * Longest draft in UTF-16 code units: four times the longest text of a message, so that one that is too long can be kept
 * until it is shortened.
 */
export const DRAFT_MAX_LENGTH = 64 * 1024;

/** What the user has set or begun on this device: drafts, muted conversations, safety numbers that were different. */
export class LocalSettings {
  readonly #history: History;
  readonly #drafts = new Map<string, string>();
  /** Drafts that are about to be stored. */
  readonly #pendingDrafts = new Map<string, string>();
  readonly #mutedUntil = new Map<string, number>();
  readonly #mismatches = new Set<string>();

  constructor(history: History) {
    this.#history = history;
  }

  async load(): Promise<void> {
    for (const [key, { text }] of await this.#history.records<StoredDraft>(draftsPrefix)) {
      this.#drafts.set(key, text);
    }
    for (const [key, { until }] of await this.#history.records<StoredMute>(mutesPrefix)) {
      this.#mutedUntil.set(key, until);
    }
    for (const [identity] of await this.#history.records<StoredMismatch>(mismatchesPrefix)) {
      this.#mismatches.add(identity);
    }
  }

  /** @param key of a conversation */
  draft(key: string): string {
    return this.#pendingDrafts.get(key) ?? this.#drafts.get(key) ?? '';
  }

  /** Notes a draft, and returns what {@link storeDraft} is to store. @throws LIMIT_EXCEEDED */
  noteDraft(key: string, text: string): string {
    if (text.length > DRAFT_MAX_LENGTH) {
      throw new SottoError('LIMIT_EXCEEDED', 'The draft is too long to be kept.', {
        what: 'draft, UTF-16 code units',
        limit: DRAFT_MAX_LENGTH,
        actual: text.length,
      });
    }
    const kept = text.trim() === '' ? '' : text;
    this.#pendingDrafts.set(key, kept);
    return kept;
  }

  /** Stores a draft that was noted, or deletes an empty one. Resolves to whether anything changed. */
  async storeDraft(key: string, text: string): Promise<boolean> {
    const changed = text !== (this.#drafts.get(key) ?? '');
    if (changed) {
      await this.#history.commit(
        text === '' ? this.withoutDraft(key) : [put<StoredDraft>(`${draftsPrefix}${key}`, { text })],
      );
      if (text === '') this.#drafts.delete(key);
      else this.#drafts.set(key, text);
    }
    if (this.#pendingDrafts.get(key) === text) this.#pendingDrafts.delete(key);
    return changed;
  }

  /** The writes that delete a draft, for the commit that stores its message; then call {@link draftSent}. */
  withoutDraft(key: string): readonly Write[] {
    return this.#drafts.has(key) ? [{ type: 'delete', key: `${draftsPrefix}${key}` }] : [];
  }

  draftSent(key: string): void {
    this.#drafts.delete(key);
  }

  isMuted(key: string, now: number): boolean {
    return this.mutedUntil(key) > now;
  }

  mutedUntil(key: string): number {
    return this.#mutedUntil.get(key) ?? 0;
  }

  /** @param until milliseconds since the epoch; `Infinity`: for good. 0: not muted */
  async setMuted(key: string, until: number): Promise<void> {
    const kept = Math.min(until, Number.MAX_SAFE_INTEGER);
    const record = `${mutesPrefix}${key}`;
    if (kept > 0) {
      await this.#history.commit([put<StoredMute>(record, { until: kept })]);
      this.#mutedUntil.set(key, kept);
    } else if (this.#mutedUntil.has(key)) {
      await this.#history.commit([{ type: 'delete', key: record }]);
      this.#mutedUntil.delete(key);
    }
  }

  /** @param identity in hex */
  hasMismatch(identity: string): boolean {
    return this.#mismatches.has(identity);
  }

  mismatches(): readonly PublicKey[] {
    return [...this.#mismatches].map((identity) => decodeHex(identity) as PublicKey);
  }

  /** @param at when the numbers were found to be different; `undefined` forgets it */
  async setMismatch(identity: string, at: number | undefined): Promise<void> {
    const key = `${mismatchesPrefix}${identity}`;
    if (at !== undefined) {
      await this.#history.commit([put<StoredMismatch>(key, { at })]);
      this.#mismatches.add(identity);
    } else if (this.#mismatches.has(identity)) {
      await this.#history.commit([{ type: 'delete', key }]);
      this.#mismatches.delete(identity);
    }
  }

  /** Forgets what belongs to a conversation that is removed. */
  async forget(key: string): Promise<void> {
    await this.storeDraft(key, this.noteDraft(key, ''));
    await this.setMuted(key, 0);
  }
}
