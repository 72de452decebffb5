/** What is loaded with the first file or message that disappears: a bundler makes a chunk of its own of it. */
export { decodeConversationMessage, encodeConversationMessage, fileMessage } from './conversation-message.js';
export { checkSeconds, Expiry, received, replaces, sendTimer } from './disappearing.js';
