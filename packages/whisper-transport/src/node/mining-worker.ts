/** The program of a worker thread of Node.js for proof of work. */
import { parentPort } from 'node:worker_threads';
import { serveOrders } from '../mining/thread.js';

if (parentPort === null)
  throw new Error('This is the program of a worker thread; createWorkerMiner starts it.');
const port = parentPort;
serveOrders({
  postMessage: (found) => port.postMessage(found),
  onOrder: (listener) => {
    port.on('message', listener);
  },
});
