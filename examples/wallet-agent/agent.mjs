// What the agent can answer, over a public client of viem.
import { createAgent } from '@sotto/agent';
import { formatEther, formatGwei, getAddress, isAddress, isHash } from 'viem';

export function createWalletAgent(chain) {
  const agent = createAgent({
    // Each question is a request to somebody's node.
    senderRate: { perMinute: 10, burst: 5 },
    onError: (_error, { reply }) => reply('The chain did not answer. Please try again.'),
  });
  // A message that is nothing but an address is a question for its balance.
  agent.onMessage(async ({ text = '', reply }) => {
    const address = text.trim();
    await reply(isAddress(address) ? await balanceOf(chain, address) : 'Send an address, or /help.');
  });
  agent.command('balance', 'ADDRESS: how much ether it has', async ({ args, reply }) => {
    await reply(isAddress(args) ? await balanceOf(chain, args) : 'Usage: /balance 0x...');
  });
  agent.command('gas', 'what gas costs now', async ({ reply }) => {
    await reply(`${formatGwei(await chain.getGasPrice())} gwei`);
  });
  agent.command('tx', 'HASH: what became of a transaction', async ({ args, reply }) => {
    if (!isHash(args)) return reply('Usage: /tx 0x...');
    const receipt = await chain.getTransactionReceipt({ hash: args }).catch((error) => {
      if (error.name === 'TransactionReceiptNotFoundError') return undefined;
      throw error;
    });
    return reply(
      receipt ? `${receipt.status} in block ${receipt.blockNumber}` : 'Not in a block yet, or unknown.',
    );
  });
  return agent;
}

async function balanceOf(chain, text) {
  const address = getAddress(text);
  const [balance, block] = await Promise.all([chain.getBalance({ address }), chain.getBlockNumber()]);
  return `${address} has ${formatEther(balance)} ether at block ${block}`;
}
