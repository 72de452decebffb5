import {
  BaseError,
  type Client,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  HttpRequestError,
  toHex,
  zeroAddress,
} from 'viem';
import { readContract } from 'viem/actions';
import { namehash, normalize, packetToBytes } from 'viem/ens';
import { answerInvalid, directoryUnavailable } from '../errors.js';
import {
  EXTENDED_RESOLVER,
  GATEWAYS,
  REGISTRY,
  registryAbi,
  resolverAbi,
  universalAbi,
} from './contracts.js';

export const DIRECTORY_NAME = 'ens';

/** A record to be read. */
export type RecordCall =
  | { readonly functionName: 'pubkey' | 'contenthash' | 'name' | 'addr'; readonly key?: undefined }
  | { readonly functionName: 'text'; readonly key: string };

/** Reads records of names through a client of the application, which also follows CCIP-Read (EIP-3668). */
export class EnsReader {
  readonly #client: Client;
  readonly #registry: Hex;
  readonly #universal: Hex | undefined;

  constructor(client: Client, registry?: Hex, universal?: Hex) {
    const contracts = client.chain?.contracts as Record<string, { address?: Hex } | undefined> | undefined;
    this.#client = client;
    this.#registry = registry ?? contracts?.['ensRegistry']?.address ?? REGISTRY;
    // Who names a registry wants that one asked.
    this.#universal =
      universal ?? (registry === undefined ? contracts?.['ensUniversalResolver']?.address : undefined);
  }

  /**
   * The records of a normalised name in the order asked for, as the ABI decodes them; `undefined` where there is none.
   * @throws DIRECTORY_UNAVAILABLE, DIRECTORY_ANSWER_INVALID
   */
  async read(name: string, calls: readonly RecordCall[]): Promise<readonly unknown[]> {
    const ask = await this.#asker(name);
    return Promise.all(calls.map(ask));
  }

  /** Address of the contract that has the records of a name, for writing; none when it has none of its own. */
  async resolverOf(name: string): Promise<Hex | undefined> {
    const universal = this.#universal;
    if (universal === undefined) return this.#resolverInRegistry(name);
    const found = await this.#orNone(() =>
      readContract(this.#client, {
        address: universal,
        abi: universalAbi,
        functionName: 'findResolver',
        args: [dnsName(name)],
      }),
    );
    return found === undefined || found[0] === zeroAddress || found[2] !== 0n ? undefined : found[0];
  }

  /** Whether a resolver says that it has an interface (EIP-165). */
  async supports(resolver: Hex, id: Hex): Promise<boolean> {
    const supported = await this.#orNone(() =>
      readContract(this.#client, {
        address: resolver,
        abi: resolverAbi,
        functionName: 'supportsInterface',
        args: [id],
      }),
    );
    return supported === true;
  }

  /** The primary name of an address, if it has one that resolves back to it. */
  async primaryName(address: Hex): Promise<string | undefined> {
    const universal = this.#universal;
    if (universal !== undefined) {
      const found = await this.#orNone(() =>
        readContract(this.#client, {
          address: universal,
          abi: universalAbi,
          functionName: 'reverseWithGateways',
          args: [address, 60n, [...GATEWAYS]],
        }),
      );
      const name = found?.[0];
      return name !== undefined && name !== '' && isNormalized(name) ? name : undefined;
    }
    const [name] = await this.read(`${address.slice(2).toLowerCase()}.addr.reverse`, [
      { functionName: 'name' },
    ]);
    if (typeof name !== 'string' || name === '' || !isNormalized(name)) return undefined;
    const [back] = await this.read(name, [{ functionName: 'addr' }]);
    return typeof back === 'string' && back.toLowerCase() === address.toLowerCase() ? name : undefined;
  }

  /** How the records of a name are asked for. */
  async #asker(name: string): Promise<(call: RecordCall) => Promise<unknown>> {
    const client = this.#client;
    const universal = this.#universal;
    if (universal !== undefined) {
      return wrapped(name, async (data) => {
        const args = [dnsName(name), data, [...GATEWAYS]] as const;
        const answer = await this.#orNone(() =>
          readContract(client, {
            address: universal,
            abi: universalAbi,
            functionName: 'resolveWithGateways',
            args,
          }),
        );
        return answer?.[0];
      });
    }
    const found = await this.#findResolver(name);
    if (found === undefined) return async () => undefined;
    const { address, extended } = found;
    if (extended) {
      const args = (data: Hex) => [dnsName(name), data] as const;
      return wrapped(name, (data) =>
        this.#orNone(() =>
          readContract(client, { address, abi: resolverAbi, functionName: 'resolve', args: args(data) }),
        ),
      );
    }
    const node = namehash(name);
    return ({ functionName, key }) =>
      this.#orNone<unknown>(() =>
        functionName === 'text'
          ? readContract(client, { address, abi: resolverAbi, functionName, args: [node, key] })
          : readContract(client, { address, abi: resolverAbi, functionName, args: [node] }),
      );
  }

  /** The resolver of a name, or the one of a name above it that answers for those below (ENSIP-10). */
  async #findResolver(
    name: string,
  ): Promise<{ readonly address: Hex; readonly extended: boolean } | undefined> {
    const labels = name.split('.');
    for (let from = 0; from < labels.length; from++) {
      const address = await this.#resolverInRegistry(labels.slice(from).join('.'));
      if (address === undefined) continue;
      const extended = await this.supports(address, EXTENDED_RESOLVER);
      return extended || from === 0 ? { address, extended } : undefined;
    }
    return undefined;
  }

  async #resolverInRegistry(name: string): Promise<Hex | undefined> {
    const address = await this.#orNone(() =>
      readContract(this.#client, {
        address: this.#registry,
        abi: registryAbi,
        functionName: 'resolver',
        args: [namehash(name)],
      }),
    );
    return address === zeroAddress ? undefined : address;
  }

  /** The result of a call; `undefined` where the contract reverts. A failure to reach it is an error. */
  async #orNone<T>(run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof BaseError))
        throw directoryUnavailable(DIRECTORY_NAME, 'the client failed', error);
      if (error.walk((one) => one instanceof HttpRequestError) !== null) {
        throw directoryUnavailable(
          DIRECTORY_NAME,
          'the chain or a gateway of the name cannot be reached',
          error,
        );
      }
      if (error.walk((one) => one instanceof Error && /^OffchainLookup/.test(one.name)) !== null) {
        throw answerInvalid(DIRECTORY_NAME, 'what a gateway answered was not accepted by the chain', error);
      }
      const reverted = error.walk((one) => one instanceof ContractFunctionRevertedError);
      if (reverted instanceof ContractFunctionRevertedError) {
        // viem takes an internal error of the node (-32603) without data for a revert.
        if (reverted.raw === undefined && error.walk(isInternalError) !== null)
          throw directoryUnavailable(DIRECTORY_NAME, 'the node of the chain fails', error);
        if (reverted.data?.errorName !== 'HttpError') return undefined;
        throw directoryUnavailable(DIRECTORY_NAME, 'a gateway of the name fails', error);
      }
      if (error.walk((one) => one instanceof ContractFunctionZeroDataError) !== null) return undefined;
      throw directoryUnavailable(DIRECTORY_NAME, 'the chain cannot be read', error);
    }
  }
}

/** Reads by handing on a call to the resolver, as bytes. */
function wrapped(
  name: string,
  ask: (data: Hex) => Promise<Hex | undefined>,
): (call: RecordCall) => Promise<unknown> {
  const node = namehash(name);
  return async ({ functionName, key }) => {
    const data =
      functionName === 'text'
        ? encodeFunctionData({ abi: resolverAbi, functionName, args: [node, key] })
        : encodeFunctionData({ abi: resolverAbi, functionName, args: [node] });
    const answer = await ask(data);
    if (answer === undefined || answer === '0x') return undefined;
    try {
      return decodeFunctionResult({ abi: resolverAbi, functionName, data: answer });
    } catch (cause) {
      throw answerInvalid(DIRECTORY_NAME, 'a record that is not of its type', cause);
    }
  };
}

/** Whether an error is JSON-RPC's internal error. */
function isInternalError(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === -32603;
}

/** As names are written in DNS packets. */
function dnsName(name: string): Hex {
  return toHex(packetToBytes(name));
}

function isNormalized(name: string): boolean {
  try {
    return normalize(name) === name;
  } catch {
    return false;
  }
}
