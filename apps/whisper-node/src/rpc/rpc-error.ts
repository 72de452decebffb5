/** An error that is sent to the client, with the codes and words of go-ethereum 1.9. */
export class RpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The refusal of a method. */
export const refused = (message: string) => new RpcError(-32_000, message);
/** A refusal that may succeed later, with EIP-1474's code for rate limits. */
export const tooMany = (message: string) => new RpcError(-32_005, message);
export const invalidParams = (message: string) => new RpcError(-32_602, message);
export const invalidArgument = (index: number, message: string) =>
  invalidParams(`invalid argument ${index}: ${message}`);
export const methodNotFound = (method: string) =>
  new RpcError(-32_601, `the method ${method} does not exist/is not available`);
