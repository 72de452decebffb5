import { compareBytes, isSottoError, onAbort, parseObject, SottoError } from '@sotto/core';
import type { Messenger } from '@sotto/messenger';

/**
 * Pairs a device of ours that was linked: now if it is known, else as soon as something is received from it. Both devices do this,
 * each with the other's installation id; the new one also calls `messenger.devices.announce`.
 * @throws ABORTED, STORE codes, CLOSED
 */
export async function pairDevice(
  messenger: Messenger,
  installationId: string,
  options: { readonly name?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  parseObject(messenger, 'messenger', 'devices', 'on');
  const { name, signal } = options;
  const enable = async () => {
    try {
      await messenger.devices.enable(installationId);
      if (name !== undefined) await messenger.devices.describe(installationId, { name });
      return true;
    } catch (error) {
      if (isSottoError(error, 'NOT_FOUND')) return false;
      throw error;
    }
  };
  await new Promise<void>((resolve, reject) => {
    const attempt = () => {
      enable().then((isEnabled) => {
        if (isEnabled) settle(resolve);
      }, settleWith);
    };
    const settle = (then: () => void) => {
      off();
      stop();
      then();
    };
    const settleWith = (error: unknown) => settle(() => reject(error));
    const off = messenger.on('deviceAdded', ({ identity, installationId: added }) => {
      if (added === installationId && compareBytes(identity, messenger.identity) === 0) attempt();
    });
    const stop = onAbort(signal, () =>
      settleWith(new SottoError('ABORTED', 'The caller gave up.', { what: 'pairing' })),
    );
    attempt();
  });
}
