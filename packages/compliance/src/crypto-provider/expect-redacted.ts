import { expectThat, hex } from '../support/expectations.js';

/** That no way of printing the pair shows the private key, of which `secret` is the hex. */
export function expectRedacted(pair: object, secret: string): void {
  const shown = `${String(pair)} ${JSON.stringify(pair)} ${JSON.stringify({ pair })}`;
  const hidden = [secret, hex(secret).join(), '"0":'];
  expectThat(!hidden.some((text) => shown.includes(text)), 'a key pair prints redacted');
}
