import { playTargets } from '@sotto/testing/fuzz/play';
import contactText from './fuzz/contact-text.js';
import typedSecret from './fuzz/typed-secret.js';

playTargets(import.meta.url, { 'contact-text': contactText, 'typed-secret': typedSecret });
