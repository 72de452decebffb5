/** Requests to mailservers, and their answers, for whoever writes a mailserver. Wire profile, section 7. */
export { decodeMailCompletion, encodeMailCompletion, type MailCompletion } from './mailserver/completion.js';
export {
  decodeMailRequest,
  encodeMailRequest,
  MAIL_CURSOR_LENGTH,
  type MailRequest,
  type MailSealing,
  openMailRequest,
  sealMailRequest,
} from './mailserver/request.js';
