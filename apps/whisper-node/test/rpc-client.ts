import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** JSON-RPC over a WebSocket, bare. */
export async function rpcOverSocket(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers });
  const answers = new Map<number, (answer: RpcAnswer) => void>();
  const notifications: { readonly subscription: string; readonly result: unknown }[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    const said = JSON.parse(data.toString());
    if (said.id === undefined) notifications.push(said.params);
    else answers.get(said.id)?.(said);
    for (const look of [...waiting]) look();
  });
  await once(socket, 'open');
  let nextId = 1;
  return {
    socket,
    notifications,
    call: (method: string, ...params: readonly unknown[]) =>
      new Promise<RpcAnswer>((resolve) => {
        const id = nextId++;
        answers.set(id, resolve);
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      }),
    notified: (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (notifications.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () => socket.terminate(),
  };
}

/** A request by HTTP, whatever it says. */
export async function postText(url: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: response.status, text: await response.text() };
}

/** A call by HTTP. */
export async function callByHttp(
  url: string,
  method: string,
  ...params: readonly unknown[]
): Promise<RpcAnswer> {
  const { text } = await postText(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  return JSON.parse(text) as RpcAnswer;
}
