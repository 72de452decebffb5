import { manualClock } from '@sotto/testing/clock';
import { repetitions } from '@sotto/testing/long';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { expect, it } from 'vitest';
import { newDevice, newIdentity, pair, quiet } from './devices.js';

it('a device that knows nothing learns thousands of entries, some messages at a time', async () => {
  const network = createMemoryNetwork({ clock: manualClock() });
  const identity = newIdentity();
  const phone = await newDevice(network, 'alice-1', identity);
  const count = repetitions(8_000, 16_000);
  const chats = Array.from(
    { length: count },
    (_, i) => ({ kind: 'public', name: `a-chat-with-a-long-name-${i}` }) as const,
  );
  for (const [i, chat] of chats.entries()) await phone.conversations.setMuted(chat, 1 + i);
  await phone.sync?.flush();
  const laptop = await newDevice(network, 'alice-2', identity);
  await pair(network, phone, laptop);
  await quiet(network, phone, laptop);
  const known = chats.filter((chat, i) => laptop.conversations.mutedUntil(chat) === 1 + i);
  expect(known.length).toBe(count);
  expect(phone.sent.every((bytes) => bytes < 32 * 1024)).toBe(true);
  await phone.stop();
  await laptop.stop();
});

it('of thousands of entries, some hundred that were lost are made up for', async () => {
  const network = createMemoryNetwork({ clock: manualClock() });
  const identity = newIdentity();
  const phone = await newDevice(network, 'alice-1', identity);
  const laptop = await newDevice(network, 'alice-2', identity);
  await pair(network, phone, laptop);
  const chats = Array.from(
    { length: 9_000 },
    (_, i) => ({ kind: 'public', name: `a-chat-with-a-long-name-${i}` }) as const,
  );
  for (const chat of chats) await phone.conversations.setMuted(chat, 1);
  await quiet(network, phone, laptop);
  phone.isMute = true;
  const changed = chats.filter((_, i) => i % 45 === 0);
  for (const chat of changed) await phone.conversations.setMuted(chat, 2);
  await quiet(network, phone, laptop);
  phone.isMute = false;
  const before = phone.sent.length;
  await phone.sync?.compare();
  // What one answers is still being worked out when the network is idle.
  const missing = async () => {
    await quiet(network, phone, laptop);
    return changed.filter((chat) => laptop.conversations.mutedUntil(chat) !== 2);
  };
  await expect.poll(missing, { timeout: 60_000 }).toEqual([]);
  expect(phone.sent.length - before).toBeLessThan(100);
  await phone.stop();
  await laptop.stop();
});
