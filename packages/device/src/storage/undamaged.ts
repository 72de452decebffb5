import { isDamage } from '@sotto/core';

/** What is read, or `undefined` when it is damaged: so that one bad record costs no more than what it is about. */
export async function undamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
