import type { RpcTransportOptions } from '@sotto/whisper-rpc';
import { WebSocket } from 'ws';

/** Listens in on the calls of a client, over a WebSocket or HTTP. */
export function tapped() {
  const methods = new Map<number, string>();
  const answers: { readonly method: string; readonly result: unknown }[] = [];
  const heard = (text: string) => {
    const { id, result, method } = JSON.parse(text) as { id?: number; result?: unknown; method?: string };
    if (id !== undefined && method !== undefined) methods.set(id, method);
    else if (id !== undefined) answers.push({ method: methods.get(id) ?? 'unknown', result });
  };
  const options: Pick<RpcTransportOptions, 'webSocket' | 'fetch'> = {
    webSocket(url) {
      const socket = new WebSocket(url);
      socket.addEventListener('message', ({ data }) => heard(String(data)));
      const send = socket.send.bind(socket);
      return Object.assign(socket, {
        send: (text: string) => {
          heard(text);
          send(text);
        },
      });
    },
    async fetch(url, init) {
      heard(init.body);
      const response = await fetch(url, init);
      heard(await response.clone().text());
      return response;
    },
  };
  return {
    options,
    /** What the node answered to the calls of a method. */
    results: (method: string) =>
      answers.filter((answer) => answer.method === method).map(({ result }) => result),
  };
}
