/** Requests to mailservers and their answers, for writing a mailserver. Wire profile, section 7. */
export { decodeMailCompletion, encodeMailCompletion, type MailCompletion } from './mail/completion.js';
export {
  type BareMailRequest,
  decodeBareMailRequest,
  decodeMailRequest,
  encodeBareMailRequest,
  encodeMailRequest,
  MAIL_CURSOR_LENGTH,
  MAIL_LIMIT_MOST,
  MAIL_SPAN_MOST,
  type MailRequest,
  type MailSealing,
  mailRefusal,
  openMailRequest,
  sealMailRequest,
} from './mail/request.js';
