export {
  type ChangeKind,
  type GroupAction,
  type LogCrypto,
  type ParsedChange,
  parseChange,
  signChange,
} from './change.js';
export * from './limits.js';
export {
  type Applied,
  GroupLog,
  type GroupLogState,
  type Ineffective,
  type StoredChange,
} from './log.js';
export type { LossReason } from './reasons.js';
