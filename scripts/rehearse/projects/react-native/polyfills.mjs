// What React Native does not have, and the packages need, before anything else is imported. In an app, packages do this:
//   import 'react-native-get-random-values';    crypto.getRandomValues
//   import 'fast-text-encoding';                TextEncoder, TextDecoder (with `fatal`)
// Here it is a stand-in without native code: it serves a rehearsal, and no app.
import { decodeUtf8Bytes, encodeUtf8Bytes } from './utf8.mjs';

globalThis.crypto ??= {
  getRandomValues(array) {
    for (let i = 0; i < array.length; i++) array[i] = Math.floor(Math.random() * 256);
    return array;
  },
};
globalThis.TextEncoder ??= class {
  encode(text = '') {
    return encodeUtf8Bytes(text);
  }
};
globalThis.TextDecoder ??= class {
  #fatal;
  constructor(_label, { fatal = false } = {}) {
    this.#fatal = fatal;
  }
  decode(bytes = new Uint8Array()) {
    return decodeUtf8Bytes(bytes, this.#fatal);
  }
};

// What React Native's own Hermes has, and the older one of this rehearsal has not.
globalThis.queueMicrotask ??= (run) => void Promise.resolve().then(run);
for (const { prototype } of [Array, Uint8Array, String]) {
  prototype.at ??= function at(index) {
    return this[index < 0 ? this.length + index : index];
  };
}
Array.prototype.toSorted ??= function toSorted(compare) {
  return [...this].sort(compare);
};
Array.prototype.toReversed ??= function toReversed() {
  return [...this].reverse();
};
Array.prototype.findLast ??= function findLast(test) {
  return [...this].reverse().find(test);
};
Array.prototype.toSpliced ??= function toSpliced(...change) {
  const copy = [...this];
  copy.splice(...change);
  return copy;
};
globalThis.AbortController ??= class {
  signal = {
    aborted: false,
    reason: undefined,
    listeners: new Set(),
    addEventListener(_type, listener) {
      this.listeners.add(listener);
    },
    removeEventListener(_type, listener) {
      this.listeners.delete(listener);
    },
    throwIfAborted() {
      if (this.aborted) throw this.reason;
    },
  };
  abort(reason = new Error('aborted')) {
    if (this.signal.aborted) return;
    Object.assign(this.signal, { aborted: true, reason });
    for (const listener of this.signal.listeners) listener();
  }
};
globalThis.AbortSignal ??= {
  abort() {
    const controller = new AbortController();
    controller.abort();
    return controller.signal;
  },
};
Promise.allSettled ??= (promises) =>
  Promise.all(
    [...promises].map((promise) =>
      Promise.resolve(promise).then(
        (value) => ({ status: 'fulfilled', value }),
        (reason) => ({ status: 'rejected', reason }),
      ),
    ),
  );
