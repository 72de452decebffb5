// `expect` of Vitest without Vitest, for models that are played by the fuzzer.
import { JestChaiExpect } from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestChaiExpect);
export const expect = (value, message) => chai.expect(value, message);
