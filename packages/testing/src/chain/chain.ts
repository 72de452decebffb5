import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import {
  type Abi,
  type Account,
  type Address,
  type Client,
  createClient,
  type Hex,
  http,
  labelhash,
  namehash,
  zeroHash,
} from 'viem';
import {
  deployContract,
  getAddresses,
  sendTransaction,
  waitForTransactionReceipt,
  writeContract,
} from 'viem/actions';
import { foundry } from 'viem/chains';
import { endChild } from '../line-process.js';
import { freePort } from '../ports.js';

/** A local chain with ENS: its registry and public resolver, as they are deployed. */
export interface Chain {
  /** The address of its JSON-RPC. */
  readonly url: string;
  /** Reads and writes; the chain has the keys of its accounts. */
  readonly client: Client;
  /** Accounts with money. The first one deployed everything. */
  readonly accounts: readonly Address[];
  readonly registry: Address;
  readonly resolver: Address;
  /** Compiles and deploys one of the contracts in `chain/contracts`, by its name. Takes seconds. */
  deploy(name: string, ...args: readonly unknown[]): Promise<Address>;
  /**
   * Gives a name such as `alice.eth` to an account, with the public resolver or another one. Names above it
   * belong to the first account.
   */
  register(name: string, owner: Address, resolver?: Address): Promise<void>;
  /** Sends what an account signs, and waits until it is done. */
  send(from: Address, transaction: { readonly to: Address; readonly data: Hex }): Promise<void>;
  /** Calls a function of the resolver as an account. */
  setRecord(from: Address, functionName: string, ...args: readonly unknown[]): Promise<void>;
  /** Sets the primary name of an account. */
  setPrimaryName(account: Address, name: string): Promise<void>;
  /** Stops it. Nothing is kept. */
  close(): Promise<void>;
}

interface Artifact {
  readonly abi: Abi;
  readonly bytecode: Hex;
}

/** @param folder where it is installed, see `./setup` */
export async function startChain(folder: string): Promise<Chain> {
  const artifact = (path: string) =>
    JSON.parse(readFileSync(join(folder, 'node_modules', path), 'utf8')) as Artifact;
  const registryContract = artifact('@ensdomains/ens/build/contracts/ENSRegistry.json');
  const resolverContract = artifact('@ensdomains/resolver/build/contracts/PublicResolver.json');

  const port = await freePort();
  const anvil = spawn(programIn(folder), ['--host', '127.0.0.1', '--port', `${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    anvil.once('error', reject);
    anvil.once('exit', (code) => reject(new Error(`The chain ended with ${code}.`)));
    createInterface({ input: anvil.stdout }).on('line', (line) => {
      if (line.startsWith('Listening on')) resolve();
    });
  });

  const url = `http://127.0.0.1:${port}`;
  const client = createClient({ chain: foundry, transport: http(url), pollingInterval: 20 });
  const accounts = await getAddresses(client);
  const [deployer] = accounts as [Address];
  const deploy = async ({ abi, bytecode }: Artifact, args: readonly unknown[]): Promise<Address> => {
    const hash = await deployContract(client, { abi, bytecode, args, account: deployer, chain: foundry });
    const { contractAddress } = await waitForTransactionReceipt(client, { hash });
    if (!contractAddress) throw new Error('The contract was not deployed.');
    return contractAddress;
  };
  const registry = await deploy(registryContract, []);
  const resolver = await deploy(resolverContract, [registry]);

  const write = async (
    address: Address,
    abi: Abi,
    account: Account | Address,
    functionName: string,
    args: readonly unknown[],
  ) => {
    const hash = await writeContract(client, { address, abi, account, functionName, args, chain: foundry });
    const { status } = await waitForTransactionReceipt(client, { hash });
    if (status !== 'success') throw new Error(`${functionName} was reverted.`);
  };
  const inRegistry = (functionName: string, ...args: readonly unknown[]) =>
    write(registry, registryContract.abi, deployer, functionName, args);
  const setRecord = (from: Address, functionName: string, ...args: readonly unknown[]) =>
    write(resolver, resolverContract.abi, from, functionName, args);

  const register = async (name: string, owner: Address, by: Address = resolver) => {
    const labels = name.split('.');
    for (let at = labels.length - 1; at >= 0; at--) {
      const parent = labels.slice(at + 1).join('.');
      const node = parent === '' ? zeroHash : namehash(parent);
      const label = labelhash(labels[at] as string);
      if (at > 0) await inRegistry('setSubnodeOwner', node, label, deployer);
      else await inRegistry('setSubnodeRecord', node, label, owner, by, 0n);
    }
  };

  return {
    url,
    client,
    accounts,
    registry,
    resolver,
    register,
    setRecord,
    deploy: (name, ...args) => deploy(compile(folder, name), args),
    async send(from, transaction) {
      const hash = await sendTransaction(client, { ...transaction, account: from, chain: foundry });
      const { status } = await waitForTransactionReceipt(client, { hash });
      if (status !== 'success') throw new Error('The transaction was reverted.');
    },
    async setPrimaryName(account, name) {
      const reverse = `${account.slice(2).toLowerCase()}.addr.reverse`;
      await register(reverse, account);
      await setRecord(account, 'setName', namehash(reverse), name);
    },
    async close() {
      await endChild(anvil, 'SIGKILL');
    },
  };
}

/** Compiles a contract with the compiler that is installed beside the chain. */
function compile(folder: string, name: string): Artifact {
  const file = `${name}.sol`;
  const solc = createRequire(join(folder, 'package.json'))('solc') as { compile(input: string): string };
  const output = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: 'Solidity',
        sources: { [file]: { content: readFileSync(join(folder, 'contracts', file), 'utf8') } },
        settings: { evmVersion: 'paris', outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
      }),
    ),
  ) as {
    readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
    readonly contracts?: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>;
  };
  const contract = output.contracts?.[file]?.[name];
  if (contract === undefined) {
    throw new Error(output.errors?.map(({ formattedMessage }) => formattedMessage).join('\n'));
  }
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}

/** The program, among the packages for each system. */
function programIn(folder: string): string {
  const { platform, arch } = process;
  const system = platform === 'win32' ? 'win32' : platform === 'darwin' ? 'darwin' : 'linux';
  const name = `@foundry-rs/anvil-${system}-${arch === 'arm64' ? 'arm64' : 'amd64'}`;
  const manifest = createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`);
  return join(dirname(manifest), 'bin', platform === 'win32' ? 'anvil.exe' : 'anvil');
}
