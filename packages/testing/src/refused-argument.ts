import type { SottoError } from '@sotto/core';

/** The argument that a call from plain JavaScript is refused for, by name; another code, or `no error`. */
export async function refusedArgument(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    const { code, details } = error as SottoError<'INVALID_ARGUMENT'>;
    return code === 'INVALID_ARGUMENT' ? details.what : `${code}`;
  }
  return 'no error';
}
