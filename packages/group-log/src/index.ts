export type { ApplyOutcome, StoredChange } from './application.js';
export {
  type ChangeKind,
  type GroupAction,
  type LogCrypto,
  type ParsedChange,
  parseChange,
  signChange,
} from './change.js';
export * from './limits.js';
export { type Applied, GroupLog, type GroupLogState } from './log.js';
export type { Ineffective, LossReason } from './reasons.js';
