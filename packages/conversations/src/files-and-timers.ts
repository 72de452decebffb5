/** What is loaded with the first file, or message that is deleted, disappears or isn't shown: a bundler makes a chunk of its own of it. */
export { decodeConversationMessage, encodeConversationMessage, fileMessage } from './conversation-message.js';
export { deletion } from './deletion.js';
export { checkSeconds, Expiry, isNews, received, sendTimer } from './disappearing.js';
export { isHidden, takeHidden } from './hidden-message.js';
