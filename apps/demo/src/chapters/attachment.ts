import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Attachment,
  decodeAttachment,
  encodeAttachment,
  readAttachment,
  uploadAttachment,
} from '@sotto/attachments';
import { createHttpBlobStore } from '@sotto/attachments/http';
import { createBlobServer } from '@sotto/attachments/server';
import { compareBytes, concatBytes } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';

/** Random bytes, as compressed pictures are. */
const PIECE = 65_536;
const PIECES = 23;

export const attachment: Chapter = {
  name: 'attachment',
  title: 'A photo, kept by a server that cannot see it',
  async play(stage) {
    const { crypto } = stage;
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await befriend(alice, bob);

    const folder = await mkdtemp(join(tmpdir(), 'sotto-demo-blobs-'));
    const blobs = await createBlobServer({ directory: folder });
    const server = createServer((request, response) => {
      if (!blobs.handle(request, response)) response.writeHead(404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const url = `http://127.0.0.1:${port}/blobs/`;
      const store = createHttpBlobStore({ url });
      const photo = concatBytes(...Array.from({ length: PIECES }, () => crypto.randomBytes(PIECE)));
      stage.tell(
        'Alice encrypts a photo part by part, and puts it on a web server. She loses her connection on the way:',
      );
      const connection = new AbortController();
      let checkpoint: Uint8Array | undefined;
      const upload = { store, source: photo, name: 'boat.jpg', mediaType: 'image/jpeg' };
      await stage.expectRefused('After the second part', 'ABORTED', () =>
        uploadAttachment({
          ...upload,
          signal: connection.signal,
          onProgress(progress) {
            checkpoint = progress.checkpoint;
            if (progress.done > photo.length / 4) connection.abort();
          },
        }),
      );
      const before = (await readdir(folder)).length;
      const sent = await uploadAttachment({ ...upload, resume: checkpoint });
      stage.check(
        `She goes on where she was: ${before} of ${sent.parts.length} parts were there`,
        before >= 2,
      );
      const names = await readdir(folder);
      stage.check('Each part is stored once', names.length === sent.parts.length);
      const kept = await Promise.all(names.map((name) => readFile(join(folder, name))));
      stage.check(
        'The server has neither its name nor a piece of it',
        kept.every(
          (part) => !part.includes('boat') && !part.includes(Buffer.from(photo.subarray(1_000, 1_016))),
        ),
      );

      const payload = encodeAttachment(sent);
      await alice.messenger.send(bob.key, payload);
      await stage.settled();
      const [message] = bob.inbox.splice(0);
      await message?.acknowledge();
      const received = decodeAttachment(message?.payload ?? payload);
      stage.check(`Bob gets ${payload.length} bytes: where it is, and the key`, received.name === 'boat.jpg');
      const fetched = await readAttachment({ attachment: received, stores: [store] });
      stage.check(`He fetches ${fetched.length} bytes: the photo`, compareBytes(fetched, photo) === 0);

      stage.tell('The server changes a single byte of it:');
      await spoil(folder, received);
      await stage.expectRefused('Bob fetches it again', 'AUTHENTICATION_FAILED', () =>
        readAttachment({ attachment: received, stores: [store] }),
      );
      stage.tell('And nobody can make Bob call on an address by a message:');
      const parts = received.parts.map((part) => ({ ...part, reference: 'http://127.0.0.1:1/admin' }));
      await stage.expectRefused('An attachment at another address', 'BLOB_REFUSED', () =>
        readAttachment({ attachment: { ...received, parts }, stores: [store] }),
      );
    } finally {
      server.closeAllConnections();
      server.close();
      blobs.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Changes one byte of the first part. */
async function spoil(folder: string, { parts }: Attachment): Promise<void> {
  const path = join(folder, parts[0]?.reference.split('/').at(-1) ?? '');
  const content = await readFile(path);
  content.writeUInt8(content.readUInt8(5_000) ^ 1, 5_000);
  await writeFile(path, content);
}
