import { parseAbi } from 'viem';

/** Of a resolver: what is read and set (EIPs 137, 181, 619, 634, 1577, 2544). */
export const resolverAbi = /* @__PURE__ */ parseAbi([
  'function addr(bytes32 node) view returns (address)',
  'function name(bytes32 node) view returns (string)',
  'function pubkey(bytes32 node) view returns (bytes32 x, bytes32 y)',
  'function text(bytes32 node, string key) view returns (string)',
  'function contenthash(bytes32 node) view returns (bytes)',
  'function resolve(bytes name, bytes data) view returns (bytes)',
  'function supportsInterface(bytes4 id) view returns (bool)',
  'function setPubkey(bytes32 node, bytes32 x, bytes32 y)',
  'function setText(bytes32 node, string key, string value)',
  'function setContenthash(bytes32 node, bytes hash)',
  'function multicall(bytes[] data) returns (bytes[] results)',
]);

/** Of the registry, which every chain with ENS has. */
export const registryAbi = /* @__PURE__ */ parseAbi([
  'function resolver(bytes32 node) view returns (address)',
]);

/** Of the Universal Resolver, which does in one call what {@link registryAbi} takes several for. */
export const universalAbi = /* @__PURE__ */ parseAbi([
  'function resolveWithGateways(bytes name, bytes data, string[] gateways) view returns (bytes result, address resolver)',
  'function reverseWithGateways(bytes lookupAddress, uint256 coinType, string[] gateways) view returns (string name, address resolver, address reverseResolver)',
  'function findResolver(bytes name) view returns (address resolver, bytes32 node, uint256 offset)',
  'error ResolverNotFound(bytes name)',
  'error ResolverNotContract(bytes name, address resolver)',
  'error UnsupportedResolverProfile(bytes4 selector)',
  'error ResolverError(bytes errorData)',
  'error ReverseAddressMismatch(string primary, bytes primaryAddress)',
  'error HttpError(uint16 status, string message)',
]);

/** Interface of resolvers that answer for names below their own, and off the chain (ENSIP-10). */
export const EXTENDED_RESOLVER = '0x9061b923';
/** Interface of resolvers with a pubkey record (EIP-619). */
export const PUBKEY_RESOLVER = '0xc8690233';
/** Of the main net and its test nets. */
export const REGISTRY = '0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e';
/** Has the client itself ask the gateways that a resolver names, rather than a gateway that asks them for it. */
export const GATEWAYS: readonly string[] = ['x-batch-gateway:true'];
