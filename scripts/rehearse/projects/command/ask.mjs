// Starts the command as npx does, and speaks its JSON lines.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const chat = spawn('sotto-chat', ['--json', '--memory'], { stdio: ['pipe', 'pipe', 'inherit'] });
const ended = once(chat, 'exit');
for (const request of [
  { do: 'card', id: 1 },
  { do: 'nothing', id: 2 },
  { do: 'quit', id: 3 },
]) {
  chat.stdin.write(`${JSON.stringify(request)}\n`);
}
const answers = new Map();
for await (const line of createInterface({ input: chat.stdout })) {
  const { answer, result, error } = JSON.parse(line);
  if (answer !== undefined) answers.set(answer, result ?? error);
}
const [code] = await ended;
if (!answers.get(1)?.card?.startsWith('SOTTO:1/')) throw new Error('no card');
if (answers.get(2)?.code === undefined) throw new Error('an unknown request has no error');
if (code !== 0) throw new Error(`ended with ${code}`);
console.log(`did: ${answers.size} answers`);
