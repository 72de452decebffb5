// What React Native may not have, and the packages need, before anything else is imported. An app takes
// `crypto.getRandomValues` from npm react-native-get-random-values; this stand-in without native code serves a rehearsal only.
import { TextDecoder, TextEncoder } from 'text-encoding-polyfill';

globalThis.TextEncoder ??= TextEncoder;
globalThis.TextDecoder ??= TextDecoder;
globalThis.crypto ??= {
  getRandomValues(array) {
    for (let i = 0; i < array.length; i++) array[i] = Math.floor(Math.random() * 256);
    return array;
  },
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
