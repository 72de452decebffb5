import { checkRuntime } from './checks.mjs';

export default {
  async fetch(_request, { RELAY_URL }) {
    try {
      return new Response(`did: ${await checkRuntime(RELAY_URL)}`);
    } catch (error) {
      return new Response(`${error.stack ?? error}`, { status: 500 });
    }
  },
};
