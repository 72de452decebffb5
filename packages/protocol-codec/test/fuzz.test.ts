import { playTargets } from '@sotto/testing/fuzz/play';
import bundle from './fuzz/bundle.js';
import contactCode from './fuzz/contact-code.js';
import protocolMessage from './fuzz/protocol-message.js';
import text from './fuzz/text.js';

playTargets(import.meta.url, {
  bundle,
  'contact-code': contactCode,
  'protocol-message': protocolMessage,
  text,
});
