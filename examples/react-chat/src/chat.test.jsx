import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { fireEvent, render, screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { Chat } from './chat.jsx';
import { openSession } from './session.js';

test('two people write to each other', async () => {
  const network = createMemoryNetwork();
  const open = () => openSession({ store: createMemoryStore(), transport: network.transport() });
  const [alice, bob] = [await open(), await open()];
  await Promise.all([alice.started, bob.started]);
  render(
    <>
      <div data-testid="alice">
        <Chat session={alice} />
      </div>
      <div data-testid="bob">
        <Chat session={bob} />
      </div>
    </>,
  );
  const [onAlices, onBobs] = ['alice', 'bob'].map((name) => within(screen.getByTestId(name)));
  const say = async (page, text) => {
    fireEvent.change(await page.findByPlaceholderText('Message'), { target: { value: text } });
    fireEvent.click(page.getByText('Send'));
  };

  fireEvent.change(onAlices.getByPlaceholderText('Contact code'), {
    target: { value: await bob.messenger.contacts.ownCode() },
  });
  fireEvent.change(onAlices.getByPlaceholderText('Name'), { target: { value: 'Bob' } });
  fireEvent.click(onAlices.getByText('Add'));
  await say(onAlices, 'Psst, Bob.');
  expect(await onBobs.findByText('Psst, Bob.', {}, { timeout: 30_000 })).toBeTruthy();
  await say(onBobs, 'Yes, Alice?');
  expect(await onAlices.findByText('Yes, Alice?', {}, { timeout: 30_000 })).toBeTruthy();
  await Promise.all([alice.close(), bob.close()]);
});
