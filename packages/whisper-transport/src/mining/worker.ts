/** The program of a Web Worker for proof of work. */
import { type Order, serveOrders } from './thread.js';

declare const self: DedicatedWorkerGlobalScope;

serveOrders({
  postMessage: (found) => self.postMessage(found),
  onOrder: (listener) => {
    self.onmessage = ({ data }: MessageEvent<Order>) => listener(data);
  },
});
