import { describeNotice, type Entry } from '@sotto/conversations';
import { encodeHex, type PublicKey } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import type { ComponentChildren, VNode } from 'preact';
import { dayOf } from '../format.js';
import { Bubble } from './bubble.js';

/** Messages of one person within so many milliseconds belong together. */
const TOGETHER_MS = 5 * 60_000;

/** A line as it was drawn, and of what. */
export interface Drawn {
  readonly entry: Entry;
  readonly about: string;
  readonly node: VNode;
}

interface Lines {
  readonly conversation: Conversation;
  readonly entries: readonly Entry[];
  /** Number of the first entry that is new to the user: a line stands above it. */
  readonly firstNew: number | undefined;
  /** Number of the entry that was searched for. */
  readonly found: number | undefined;
  readonly nameFor: (person: PublicKey) => string;
}

/**
 * The entries with lines between them: days, and what is new. Lines that look as before are the same objects, which Preact
 * passes over: an arriving message costs the drawing of one.
 */
export function linesOf(
  drawn: Map<number, Drawn>,
  { conversation, entries, firstNew, found, nameFor }: Lines,
): ComponentChildren {
  const lines: ComponentChildren[] = [];
  // There are only two to tell apart.
  const named = conversation.kind !== 'direct';
  const kept = new Set<number>();
  entries.forEach((entry, i) => {
    const [before, after] = [entries[i - 1], entries[i + 1]];
    if (before === undefined || dayOf(before.storedAt) !== dayOf(entry.storedAt)) {
      lines.push(
        <p key={`day-${entry.number}`} class="day">
          <time dateTime={new Date(entry.storedAt).toISOString().slice(0, 10)}>{dayOf(entry.storedAt)}</time>
        </p>,
      );
    }
    if (entry.number === firstNew) {
      lines.push(
        <p key="new" class="new-line">
          <span>New messages</span>
        </p>,
      );
    }
    const first = entry.number === firstNew || !belongTogether(before, entry);
    const last = after?.number === firstNew || !belongTogether(entry, after);
    const text = entry.kind === 'notice' ? asSentence(describeNotice(entry.notice, nameFor)) : '';
    const about = `${first} ${last} ${entry.number === found} ${text}`;
    const same = drawn.get(entry.number);
    kept.add(entry.number);
    if (same?.entry === entry && same.about === about) {
      lines.push(same.node);
      return;
    }
    const node =
      entry.kind === 'notice' ? (
        <p key={entry.number} class="happened" data-number={entry.number}>
          {text}
        </p>
      ) : (
        <Bubble
          key={entry.number}
          conversation={conversation}
          message={entry}
          named={named}
          first={first}
          last={last}
          found={entry.number === found}
        />
      );
    drawn.set(entry.number, { entry, about, node });
    lines.push(node);
  });
  for (const number of drawn.keys()) if (!kept.has(number)) drawn.delete(number);
  return lines;
}

function belongTogether(one: Entry | undefined, other: Entry | undefined): boolean {
  return (
    one?.kind === 'message' &&
    other?.kind === 'message' &&
    encodeHex(one.sender) === encodeHex(other.sender) &&
    one.own === other.own &&
    other.storedAt - one.storedAt < TOGETHER_MS &&
    dayOf(one.storedAt) === dayOf(other.storedAt)
  );
}

/** It may begin with “you”. */
function asSentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
