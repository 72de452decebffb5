import { playTargets } from '@sotto/testing/fuzz/play';
import devp2pPacket from './fuzz/devp2p-packet.js';
import mailRequest from './fuzz/mail-request.js';
import rlpxHandshake from './fuzz/rlpx-handshake.js';

playTargets(import.meta.url, {
  'devp2p-packet': devp2pPacket,
  'mail-request': mailRequest,
  'rlpx-handshake': rlpxHandshake,
});
