// Asks the agent about a chain on this machine, over a network in memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { createPortableProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { createPublicClient, createWalletClient, http, parseEther } from 'viem';
import { foundry } from 'viem/chains';
import { createWalletAgent } from './agent.mjs';

const { url, stop } = await startChain();
try {
  const chain = createPublicClient({ chain: foundry, transport: http(url) });
  const wallet = createWalletClient({ chain: foundry, transport: http(url) });
  const [from] = await wallet.getAddresses();
  const to = '0x000000000000000000000000000000000000bEEF';
  const hash = await wallet.sendTransaction({ account: from, to, value: parseEther('1.5') });
  await chain.waitForTransactionReceipt({ hash });

  const network = createMemoryNetwork();
  const { secp256k1 } = createPortableProvider();
  const open = () =>
    createMessenger({
      identity: secp256k1.generateKeyPair(),
      store: createMemoryStore(),
      transport: network.transport(),
    });
  const [bot, alice] = [await open(), await open()];
  const agent = createWalletAgent(chain);
  const answers = [];
  alice.on('message', async (message) => {
    await message.acknowledge();
    answers.shift()?.(new TextDecoder().decode(message.payload));
  });
  await agent.serve(bot);
  await alice.start();
  await alice.contacts.add(await bot.contacts.ownCode());
  const ask = async (text) => {
    const answer = new Promise((resolve) => answers.push(resolve));
    await alice.send(bot.identity, new TextEncoder().encode(text));
    return answer;
  };
  const expected = [
    [to.toLowerCase(), `${to} has 1.5 ether at block 1`],
    [`/balance ${to}`, `${to} has 1.5 ether at block 1`],
    [`/tx ${hash}`, 'success in block 1'],
    [`/tx ${hash.slice(0, -4)}0000`, 'Not in a block yet, or unknown.'],
    ['what can you do?', 'Send an address, or /help.'],
  ];
  for (const [question, answer] of expected) {
    const given = await ask(question);
    if (given !== answer) throw new Error(`${question}: ${given}`);
  }
  await Promise.all([agent.stop(), alice.close()]);
  console.log(`did: ${expected.length} answers from a local chain`);
} finally {
  stop();
}

async function startChain() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  const anvil = spawn('node_modules/.bin/anvil', ['--port', `${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: anvil.stdout }))
    if (line.startsWith('Listening on')) break;
  return { url: `http://127.0.0.1:${port}`, stop: () => anvil.kill() };
}
