const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('chat', {
  code: () => ipcRenderer.invoke('code'),
  send: (code, text) => ipcRenderer.invoke('send', code, text),
  onText: (listener) => ipcRenderer.on('text', (_event, text) => listener(text)),
});
