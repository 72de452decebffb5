import type { Carrier } from '@sotto/core';
import { createPipeCarrier } from '@sotto/whisper-transport';

/** Messages between the tabs, windows and workers of one origin, or between the threads of a Node.js process. */
export function createBroadcastChannelCarrier(name: string): Carrier {
  return createPipeCarrier(({ deliver }) => {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data: [topic, envelope] }) => deliver(topic, envelope);
    return {
      publish: (topic, envelope) => channel.postMessage([topic, envelope]),
      close: () => channel.close(),
    };
  });
}
