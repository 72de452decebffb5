import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { AttachmentKey, decodeAttachment, encodeAttachment } from '../../src/index.js';

const key = new AttachmentKey(`AGE-SECRET-KEY-1${'Q'.repeat(58)}`);
const part = { reference: 'https://files.example/1', sha256: new Uint8Array(32), size: 300 };
const thumbnail = { mediaType: 'image/png', content: Uint8Array.of(137, 80, 78, 71) };

export default {
  about: 'descriptions of attachments, as they are in messages',
  *seeds() {
    const file = { key, name: 'tent.jpg', mediaType: 'image/jpeg', size: 3, partSize: 65_536, parts: [part] };
    yield encodeAttachment({ ...file, thumbnail: undefined });
    yield encodeAttachment({ ...file, thumbnail });
  },
  run(data) {
    const encoded = encodeAttachment(decodeAttachment(data));
    const again = encodeAttachment(decodeAttachment(encoded));
    demand(compareBytes(encoded, again) === 0, 'What was decoded and encoded changes when it is once more.');
  },
} satisfies FuzzTarget;
