import { playTargets } from '@sotto/testing/fuzz/play';
import conversationMessage from './fuzz/conversation-message.js';

playTargets(import.meta.url, { 'conversation-message': conversationMessage });
