import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { answer } from './listener.js';

/** The health of the node, with details. */
export interface Health {
  readonly ok: boolean;
  readonly [fact: string]: unknown;
}

/** `/health` and `/metrics`, for operators. */
export function createAdminPages(registry: Registry, health: () => Health) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'GET only\n');
    const path = request.url?.split('?')[0];
    if (path === '/health') {
      const state = health();
      return answer(response, state.ok ? 200 : 503, `${JSON.stringify(state)}\n`, 'application/json');
    }
    if (path === '/metrics') return answer(response, 200, await registry.metrics(), registry.contentType);
    answer(response, 404, 'Available here: /health and /metrics.\n');
  };
}
