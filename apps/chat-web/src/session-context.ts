import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from './session.js';

export const SessionContext = createContext<Session | undefined>(undefined);

/** The open account, for pages and components. */
export function useSession(): Session {
  return useContext(SessionContext) as Session;
}
