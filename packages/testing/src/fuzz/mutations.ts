/** Numbers from a seed (mulberry32): the function draws one below its argument. */
export type Dice = (below: number) => number;

export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x30, 0x0a];

/** A changed copy of one of `inputs`: bytes flipped, set, removed, repeated, cut off, or taken from another. */
export function mutated(inputs: readonly Uint8Array[], roll: Dice): Uint8Array {
  let bytes = [...(inputs[roll(inputs.length)] ?? [])];
  for (let changes = 1 + roll(4); changes > 0; changes--) {
    const at = roll(bytes.length + 1);
    const length = 1 + roll(8);
    switch (roll(7)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << roll(8));
        break;
      case 1:
        bytes[at] = INTERESTING[roll(INTERESTING.length)] as number;
        break;
      case 2:
        bytes[at] = roll(256);
        break;
      case 3:
        bytes.splice(at, length);
        break;
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + length));
        break;
      case 5:
        bytes.length = at;
        break;
      default: {
        const other = inputs[roll(inputs.length)] ?? new Uint8Array();
        const from = roll(other.length + 1);
        bytes = [...bytes.slice(0, at), ...other.subarray(from, from + 4 * length), ...bytes.slice(at)];
      }
    }
  }
  return Uint8Array.from(bytes, (byte) => byte ?? 0);
}
