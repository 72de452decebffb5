import './always-draw.js';
import { render } from 'ink';
import type { TransportOption } from '../options.js';
import type { Session } from '../session.js';
import { enterScreen, leaveScreen } from './alternate-screen.js';
import { Chat } from './chat.js';

/** Shows the chat until the user leaves. */
export async function showChat(session: Session, transport: TransportOption): Promise<void> {
  enterScreen();
  const screen = render(<Chat session={session} transport={transport} />, { patchConsole: false });
  const end = () => screen.unmount();
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  try {
    void session.start();
    await screen.waitUntilExit();
  } finally {
    leaveScreen();
  }
}
