import { isSottoError } from '@sotto/core';
import { serverMessenger } from '../../messenger.js';

export const dynamic = 'force-dynamic';

/** { to, text }: sends a text to the person with this contact code. Behind your own authentication, of course. */
export async function POST(request) {
  const { to, text } = await request.json();
  const messenger = await serverMessenger();
  try {
    const { identity } = await messenger.contacts.add(to);
    const { id } = await messenger.send(identity, new TextEncoder().encode(text));
    return Response.json({ id }, { status: 202 }); // stored; it leaves when it can
  } catch (error) {
    if (!isSottoError(error)) throw error;
    return Response.json({ error: error.code }, { status: 400 });
  }
}
