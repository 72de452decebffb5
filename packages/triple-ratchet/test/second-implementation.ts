import { Buffer } from 'node:buffer';
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from 'node:crypto';
import { MlKem768 } from 'mlkem';

/*
 * The Triple Ratchet a second time, as plainly as possible and from its description alone: fields that change, messages in any order, no
 * limits and no checks. node:crypto for everything but ML-KEM, which is npm mlkem's.
 */

const kem = new MlKem768();
const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const hmac = (key: Uint8Array, ...parts: Uint8Array[]) =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();
const hkdf = (input: Uint8Array, salt: Uint8Array, info: Uint8Array | string, length: number) =>
  Buffer.from(hkdfSync('sha256', input, salt, info, length));
const split = (bytes: Buffer) =>
  Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
const be32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const privateKeyOf = (bytes: Uint8Array) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), bytes]),
    format: 'der',
    type: 'pkcs8',
  });
const publicBytesOf = (privateKey: Uint8Array) =>
  createPublicKey(privateKeyOf(privateKey)).export({ format: 'der', type: 'spki' }).subarray(-32);
const dh = (privateKey: Uint8Array, publicKey: Uint8Array) =>
  diffieHellman({
    privateKey: privateKeyOf(privateKey),
    publicKey: createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey]),
      format: 'der',
      type: 'spki',
    }),
  });

function openGcm(key: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** What a session begins with. */
export interface SecondStart {
  readonly sharedKey: Uint8Array;
  readonly associatedData: Uint8Array;
  /** The responder's first ratchet key: its private half for the responder, its public half for the initiator. */
  readonly preKey: Uint8Array;
  readonly random: (length: number) => Uint8Array;
}

export class SecondImplementation {
  readonly #initiator: boolean;
  readonly #associatedData: Uint8Array;
  readonly #random: (length: number) => Uint8Array;

  // The DH ratchet, with the names of the specification.
  #rk: Uint8Array;
  #dhs: Uint8Array | undefined;
  #dhr: Uint8Array | undefined;
  #cks: Uint8Array | undefined;
  #ckr: Uint8Array | undefined;
  #ns = 0;
  #nr = 0;
  #pn = 0;
  #hks: Uint8Array | undefined;
  #nextHks: Uint8Array;
  #hkr: Uint8Array | undefined;
  #nextHkr: Uint8Array;
  readonly #skippedDh = new Map<string, Uint8Array>();
  readonly #oldHeaderKeys: Uint8Array[] = [];

  // The post-quantum ratchet: chains by epoch, index 0 the initiator's.
  #epoch = 1;
  #pqRoot: Uint8Array;
  readonly #chains = new Map<number, [Uint8Array, Uint8Array]>();
  #sent = 0;
  #sentBefore = 0;
  readonly #receivedIn = new Map<number, number>();
  readonly #skippedPq = new Map<string, Uint8Array>();
  #mine: { seed: Uint8Array; key: Uint8Array; ciphertext: (Buffer | undefined)[] } | undefined;
  #theirs: (Buffer | undefined)[] = [];
  #answer: Uint8Array | undefined;
  #acknowledged = 0;
  #cursor = 0;

  constructor(initiator: boolean, { sharedKey, associatedData, preKey, random }: SecondStart) {
    this.#initiator = initiator;
    this.#associatedData = associatedData;
    this.#random = random;
    const zero = new Uint8Array(32);
    const [rk, first, hka, hkb, nextHkb, pq] = split(
      hkdf(sharedKey, zero, 'sotto triple ratchet v1 start', 192),
    ) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    this.#rk = rk;
    if (initiator) {
      this.#dhr = preKey;
      this.#ckr = first;
      [this.#nextHks, this.#hkr, this.#nextHkr] = [hka, hkb, nextHkb];
    } else {
      this.#dhs = preKey;
      this.#cks = first;
      [this.#hks, this.#nextHks, this.#nextHkr] = [hkb, nextHkb, hka];
    }
    const [root, a, b] = split(hkdf(pq, zero, 'sotto sparse ratchet v1 start', 96)) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    this.#pqRoot = root;
    this.#chains.set(1, [a, b]);
  }

  /** Whether the key of this epoch is ours to offer. */
  get #offers(): boolean {
    return (this.#epoch % 2 === 1) === this.#initiator;
  }

  get epoch(): number {
    return this.#epoch;
  }

  async send(plaintext: Uint8Array): Promise<Buffer> {
    if (this.#cks === undefined) {
      this.#dhs = this.#random(32);
      this.#hks = this.#nextHks;
      [this.#rk, this.#cks, this.#nextHks] = this.#kdfRk(dh(this.#dhs, this.#dhr as Uint8Array));
      this.#ns = 0;
    }
    const dhKey = hmac(this.#cks, Uint8Array.of(0x10));
    this.#cks = hmac(this.#cks, Uint8Array.of(0x0f));

    const [tag, content] = await this.#part();
    const chains = this.#chains.get(this.#epoch) as [Uint8Array, Uint8Array];
    const own = this.#initiator ? 0 : 1;
    const pqKey = hmac(chains[own], Uint8Array.of(0x10));
    chains[own] = hmac(chains[own], Uint8Array.of(0x0f));

    const header = Buffer.concat([
      publicBytesOf(this.#dhs as Uint8Array),
      ...[this.#ns++, this.#pn, this.#epoch, this.#sent++, this.#sentBefore].map(be32),
      Buffer.of(tag),
      content,
    ]);
    const nonce = this.#random(12);
    const gcm = createCipheriv('aes-256-gcm', this.#hks as Uint8Array, nonce);
    const sealed = Buffer.concat([nonce, gcm.update(header), gcm.final(), gcm.getAuthTag()]);
    const encryptedHeader = Buffer.concat([Buffer.of(sealed.length), sealed]);

    const [encryption, authentication, iv] = this.#messageKeys(dhKey, pqKey);
    const ctr = createCipheriv('aes-256-ctr', encryption, iv);
    const body = Buffer.concat([iv, ctr.update(plaintext), ctr.final()]);
    const mac = hmac(authentication, this.#associatedData, be32(0), encryptedHeader, body);
    return Buffer.concat([encryptedHeader, body, mac]);
  }

  async receive(message: Uint8Array): Promise<Buffer> {
    const headerEnd = 1 + (message[0] as number);
    const encryptedHeader = Buffer.from(message.subarray(0, headerEnd));
    const [header, turn] = this.#openHeader(encryptedHeader.subarray(1));
    const key = header.subarray(0, 32);
    const [n, pn, epoch, pqN, pqPn] = [32, 36, 40, 44, 48].map((at) => header.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const dhKey = this.#receiveDhKey(key, n, pn, turn);
    const pqKey = this.#receivePqKey(epoch, pqN, pqPn);

    const body = message.subarray(headerEnd, -32);
    const [encryption, authentication] = this.#messageKeys(dhKey, pqKey);
    const mac = hmac(authentication, this.#associatedData, be32(0), encryptedHeader, body);
    if (!mac.equals(message.subarray(-32))) throw new Error('the MAC does not fit');
    await this.#take(epoch, header[52] as number, header.subarray(53));
    const ctr = createDecipheriv('aes-256-ctr', encryption, body.subarray(0, 16));
    return Buffer.concat([ctr.update(body.subarray(16)), ctr.final()]);
  }

  #kdfRk(dhOutput: Uint8Array): [Buffer, Buffer, Buffer] {
    return split(hkdf(dhOutput, this.#rk, 'rsZUpEuXUqqwXBvSy3EcievAh4cMj6QL', 96)) as [
      Buffer,
      Buffer,
      Buffer,
    ];
  }

  #messageKeys(dhKey: Uint8Array, pqKey: Uint8Array): [Buffer, Buffer, Buffer] {
    const key = hmac(pqKey, Buffer.from('sotto triple ratchet v1 message'), dhKey);
    const output = hkdf(key, new Uint8Array(32), 'pcwSByyx2CRdryCffXJwy7xgVZWtW5Sh', 80);
    return [output.subarray(0, 32), output.subarray(32, 64), output.subarray(64)];
  }

  #openHeader(sealed: Uint8Array): [Buffer, boolean] {
    const current = this.#hkr && openGcm(this.#hkr, sealed);
    if (current) return [current, false];
    const next = openGcm(this.#nextHkr, sealed);
    if (next) return [next, true];
    for (const key of this.#oldHeaderKeys) {
      const old = openGcm(key, sealed);
      if (old) return [old, false];
    }
    throw new Error('no header key fits');
  }

  #receiveDhKey(key: Uint8Array, n: number, pn: number, turn: boolean): Uint8Array {
    const name = (of: Uint8Array, number: number) => `${Buffer.from(of).toString('hex')}/${number}`;
    const skipped = this.#skippedDh.get(name(key, n));
    if (skipped) return skipped;
    const skipTo = (until: number) => {
      while (this.#nr < until) {
        this.#skippedDh.set(
          name(this.#dhr as Uint8Array, this.#nr++),
          hmac(this.#ckr as Uint8Array, Uint8Array.of(0x10)),
        );
        this.#ckr = hmac(this.#ckr as Uint8Array, Uint8Array.of(0x0f));
      }
    };
    if (turn) {
      if (this.#ckr && this.#hkr) {
        skipTo(pn);
        this.#oldHeaderKeys.push(this.#hkr);
      }
      this.#dhr = key;
      this.#hkr = this.#nextHkr;
      [this.#rk, this.#ckr, this.#nextHkr] = this.#kdfRk(dh(this.#dhs as Uint8Array, key));
      this.#nr = 0;
      this.#pn = this.#ns;
      this.#cks = undefined;
    }
    skipTo(n);
    this.#nr++;
    const messageKey = hmac(this.#ckr as Uint8Array, Uint8Array.of(0x10));
    this.#ckr = hmac(this.#ckr as Uint8Array, Uint8Array.of(0x0f));
    return messageKey;
  }

  #receivePqKey(epoch: number, n: number, pn: number): Uint8Array {
    const skipped = this.#skippedPq.get(`${epoch}/${n}`);
    if (skipped) return skipped;
    const step = (of: number) => {
      const chains = this.#chains.get(of) as [Uint8Array, Uint8Array];
      const peer = this.#initiator ? 1 : 0;
      const key = hmac(chains[peer], Uint8Array.of(0x10));
      chains[peer] = hmac(chains[peer], Uint8Array.of(0x0f));
      const number = this.#receivedIn.get(of) ?? 0;
      this.#receivedIn.set(of, number + 1);
      return [key, number] as const;
    };
    const skipTo = (of: number, until: number) => {
      while ((this.#receivedIn.get(of) ?? 0) < until) {
        const [key, number] = step(of);
        this.#skippedPq.set(`${of}/${number}`, key);
      }
    };
    if (epoch > 1 && !this.#receivedIn.has(epoch)) skipTo(epoch - 1, pn);
    skipTo(epoch, n);
    return step(epoch)[0];
  }

  /** The secret of an exchange gives the chains of the next epoch. */
  #newEpoch(secret: Uint8Array, key: Uint8Array, ciphertext: Uint8Array): void {
    const info = Buffer.concat([
      Buffer.from('sotto sparse ratchet v1 epoch'),
      be32(this.#epoch),
      sha256(key),
      sha256(ciphertext),
    ]);
    const [root, a, b] = split(hkdf(secret, this.#pqRoot, info, 96)) as [Buffer, Buffer, Buffer];
    this.#pqRoot = root;
    this.#chains.set(this.#epoch + 1, [a, b]);
  }

  #enterNextEpoch(): void {
    this.#epoch++;
    this.#sentBefore = this.#sent;
    this.#sent = 0;
    [this.#mine, this.#answer, this.#theirs] = [undefined, undefined, []];
    [this.#acknowledged, this.#cursor] = [0, 0];
  }

  async #part(): Promise<[number, Uint8Array]> {
    const bitmap = (chunks: (Buffer | undefined)[]) =>
      chunks.reduce((bits, chunk, index) => (chunk ? bits | (1 << index) : bits), 0);
    const nextOf = (whole: Uint8Array, tag: number): [number, Uint8Array] => {
      while (this.#acknowledged & (1 << this.#cursor)) this.#cursor = (this.#cursor + 1) % 8;
      const index = this.#cursor;
      this.#cursor = (index + 1) % 8;
      return [tag + index, whole.subarray(148 * index, 148 * index + 148)];
    };
    if (this.#offers) {
      if (this.#mine === undefined) {
        const seed = this.#random(64);
        this.#mine = { seed, key: (await kem.deriveKeyPair(seed))[0], ciphertext: [] };
      }
      const { ciphertext, key } = this.#mine;
      return ciphertext.length > 0 ? [16, Buffer.of(bitmap(ciphertext))] : nextOf(key, 0);
    }
    if (bitmap(this.#theirs) === 0xff && this.#answer === undefined) {
      const key = Buffer.concat(this.#theirs as Buffer[]);
      const [ciphertext, secret] = await kem.encap(new Uint8Array(key), this.#random(32));
      this.#answer = ciphertext;
      this.#newEpoch(secret, key, ciphertext);
    }
    return this.#answer ? nextOf(this.#answer, 8) : [16, Buffer.of(bitmap(this.#theirs))];
  }

  async #take(epoch: number, tag: number, content: Buffer): Promise<void> {
    if (epoch > this.#epoch) this.#enterNextEpoch();
    if (epoch < this.#epoch) return;
    if (tag === 16) {
      if (this.#mine?.ciphertext.length === 0 || this.#answer) this.#acknowledged |= content[0] as number;
    } else if (tag < 8) {
      if (!this.#offers && !this.#answer) this.#theirs[tag] = content;
    } else if (this.#mine) {
      const { seed, key, ciphertext } = this.#mine;
      ciphertext[tag - 8] = content;
      if (Array.from({ length: 8 }, (_, i) => ciphertext[i]).includes(undefined)) return;
      const whole = Buffer.concat(ciphertext as Buffer[]);
      const [, privateKey] = await kem.deriveKeyPair(seed);
      this.#newEpoch(await kem.decap(new Uint8Array(whole), privateKey), key, whole);
      this.#enterNextEpoch();
    }
  }
}
