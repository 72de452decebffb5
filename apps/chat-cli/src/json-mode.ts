import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Arguments, type Json } from './actions/action.js';
import { findAction } from './actions/index.js';
import { CliError } from './cli-error.js';
import { explain } from './explain.js';
import { Feed } from './feed.js';
import { entryJson, personJson } from './json-shapes.js';
import type { HandOverNews } from './linking.js';
import { keyText } from './names.js';
import type { Session } from './session.js';

/** Exit code when the input ended before everything could be sent. The rest is stored and sent at the next start. */
const UNSENT = 3;

/**
 * Answers requests and reports events, one JSON object per line, until the input ends or `stop` fires.
 * @returns the exit code: 0, or 3 when something is still unsent
 */
export async function serveJson(
  session: Session,
  input: Readable,
  output: Writable,
  stop: AbortSignal,
): Promise<number> {
  const write = (line: { readonly [name: string]: Json | undefined }) => {
    output.write(`${JSON.stringify(line)}\n`);
  };
  const feed = new Feed(session, (item) => {
    const { what, conversation } = item;
    if (item.what === 'gone') write({ event: what, conversation, number: item.number });
    else if (item.what === 'entry')
      write({ event: item.entry.kind, ...entryJson(session, conversation, item.entry) });
    else {
      const { number, id, state, failure } = item.entry;
      write({ event: 'state', conversation, number, id, state, ...(failure !== undefined && { failure }) });
    }
  });
  session.onNotice((notice) => {
    if (notice.what === 'status') write({ event: 'status', status: notice.status });
    else if (notice.what === 'linking') write({ event: 'linking', ...linkingJson(notice.news) });
    else write({ event: 'warning', code: notice.code, message: notice.text });
  });
  session.statusClient?.on('delivered', ({ messageId: reference, recipient }) =>
    write({ event: 'delivered', reference, recipient: personJson(session, recipient) }),
  );
  write({
    event: 'ready',
    key: keyText(session.identity.publicKey),
    device: session.messenger.installationId,
  });
  await feed.start();
  const attempted = session.start();

  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  stop.addEventListener('abort', () => lines.close());
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const { answer, quit } = await answerTo(session, line);
    write(answer);
    if (quit) break;
  }
  if (!stop.aborted) await attempted;
  await session.statusClient?.settled();
  await session.profiles.settled();
  await session.messenger.flushed();
  await feed.settled();
  feed.stop();
  return (await session.messenger.outbox.pending()).size === 0 ? 0 : UNSENT;
}

function linkingJson(news: HandOverNews): { readonly [name: string]: Json | undefined } {
  if (news.news !== 'failed') return { ...news };
  const { code, message } = explain(news.error);
  return { news: 'failed', error: { code, message } };
}

async function answerTo(session: Session, line: string) {
  let id: Json = null;
  try {
    const { id: requestId = null, do: name, ...rest } = parseRequest(line);
    id = requestId as Json;
    if (typeof name !== 'string') throw new CliError('BAD_REQUEST', '"do" is missing or not a string.');
    if (name === 'quit') return { answer: { answer: id, result: {} }, quit: true };
    const action = findAction(name);
    const { value } = await action.run(session, new Arguments(action.parameters, asTexts(rest)));
    return { answer: { answer: id, result: value }, quit: false };
  } catch (error) {
    const { code, message } = explain(error);
    return { answer: { answer: id, error: { code, message } }, quit: false };
  }
}

/** @throws CliError BAD_REQUEST */
function parseRequest(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new CliError('BAD_REQUEST', 'This line is not valid JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError('BAD_REQUEST', 'A request must be a JSON object.');
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Accepts JSON numbers as arguments. */
function asTexts(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
  );
}
