export { openAccount } from './account.js';
export { type Agent, createAgent } from './agent.js';
export { AGENT_LIMITS, type AgentLimits } from './limits.js';
export type { AgentMessage, Handler, Middleware } from './message.js';
export type {
  AgentOptions,
  IdentityFilter,
  RateLimit,
  Refusal,
  ServeOptions,
  StopOptions,
} from './options.js';
