// node echo-bot.mjs DIRECTORY [options of chat-cli]: prints its card and repeats what people write to it.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const [directory = 'echo-bot', ...options] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
// The account is created at the first start. Keep the words: whoever has them is this bot.
const files = ['--data', `${directory}/data`, '--words-to', `${directory}/words`];
const chat = spawn(process.execPath, [program, '--json', ...files, ...options], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const ask = (request) => chat.stdin.write(`${JSON.stringify(request)}\n`);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => chat.stdin.end());

for await (const line of createInterface({ input: chat.stdout })) {
  const { event, conversation, own, text, answer, result, error } = JSON.parse(line);
  if (event === 'ready') ask({ do: 'card', id: 'card' });
  if (answer === 'card') console.log(result.card);
  if (error !== undefined) console.error(error.message);
  if (event !== 'message' || own || !conversation.startsWith('d-')) continue;
  if (text !== undefined) ask({ do: 'send', conversation, text });
  ask({ do: 'read', conversation }); // Otherwise it is reported again at the next start.
}
