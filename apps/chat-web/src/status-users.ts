import type { KeyPair, Store } from '@sotto/core';
import type { Messenger } from '@sotto/messenger';
import { PROFILE_2020, PROFILE_2024 } from '@sotto/status-messages';
import type { StatusClient } from '@sotto/status-messages/client';
import { crypto } from './crypto.js';

/** Key of the setting. Not secret. */
const SETTING = 'sotto-chat:status';

/** Whether to write as Status clients do, and what people are taken for until they show what they are. */
export const STATUS_SETTINGS = ['off', '2024', '2020'] as const;
export type StatusSetting = (typeof STATUS_SETTINGS)[number];

export function statusSetting(): StatusSetting {
  const value = localStorage.getItem(SETTING);
  return STATUS_SETTINGS.find((setting) => setting === value) ?? 'off';
}

/** Counts from the next time that the account is opened. */
export function saveStatusSetting(setting: StatusSetting): void {
  localStorage.setItem(SETTING, setting);
}

/** The layer that talks to Status clients, loaded when the user wants it. */
export async function openStatusClient(
  messenger: Messenger,
  store: Store,
  identity: KeyPair,
): Promise<StatusClient | undefined> {
  const setting = statusSetting();
  if (setting === 'off') return undefined;
  const { createStatusClient } = await import('@sotto/status-messages/client');
  const profile = setting === '2020' ? PROFILE_2020 : PROFILE_2024;
  return createStatusClient({ messenger, store, crypto, identity, profile });
}
