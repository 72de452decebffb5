export type { Fetch } from './json-rpc/http-client.js';
export { createRpcTransport, type RpcTransportOptions } from './rpc-transport.js';
