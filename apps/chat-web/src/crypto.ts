import { defaultProvider } from '@sotto/crypto';

/** In browsers: JavaScript from @noble. */
export const crypto = defaultProvider();
