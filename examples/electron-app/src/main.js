// The main process has the keys and the store; the page has a window to it.
import { join } from 'node:path';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { app, BrowserWindow, ipcMain } from 'electron';
import { openSession } from './session.js';

if (!app.requestSingleInstanceLock()) app.quit(); // the store has one writer
await app.whenReady();
const window = new BrowserWindow({
  webPreferences: {
    preload: join(import.meta.dirname, 'preload.cjs'),
    contextIsolation: true,
    sandbox: true,
  },
});
const session = await openSession({
  path: join(app.getPath('userData'), 'store'),
  transport: createSealedTransport(
    createRelayCarrier({ url: process.env.RELAY_URL ?? 'ws://127.0.0.1:8547' }),
  ),
  onText: (text) => window.webContents.send('text', text),
});
ipcMain.handle('code', () => session.code());
ipcMain.handle('send', (_event, code, text) => session.send(String(code), String(text)));
await window.loadFile(join(import.meta.dirname, 'page.html'));

let closed = false;
app.on('before-quit', async (event) => {
  if (closed) return;
  event.preventDefault(); // first send what can be sent
  await session.close();
  closed = true;
  app.quit();
});
