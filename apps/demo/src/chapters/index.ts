import type { Chapter } from '../chapter.js';
import { attachment } from './attachment.js';
import { backup } from './backup.js';
import { badNetwork } from './bad-network.js';
import { card } from './card.js';
import { delivered } from './delivered.js';
import { disappearing } from './disappearing.js';
import { firstMessage } from './first-message.js';
import { foundHere } from './found-here.js';
import { goClient } from './go-client.js';
import { group } from './group.js';
import { laptop } from './laptop.js';
import { linkedDevice } from './linked-device.js';
import { lostPhone } from './lost-phone.js';
import { mallory } from './mallory.js';
import { postQuantum } from './post-quantum.js';
import { publicChat } from './public.js';
import { ratchet } from './ratchet.js';
import { restart } from './restart.js';
import { safetyNumber } from './safety-number.js';

/** The tour, in its order. */
export const CHAPTERS: readonly Chapter[] = [
  card,
  safetyNumber,
  firstMessage,
  foundHere,
  ratchet,
  postQuantum,
  badNetwork,
  delivered,
  restart,
  mallory,
  laptop,
  linkedDevice,
  group,
  lostPhone,
  backup,
  attachment,
  disappearing,
  publicChat,
  goClient,
];
