// Writes src/generated from the schemas.
import { buf, OWN_SCHEMAS, SCHEMAS } from './buf.mjs';

process.exitCode = buf('generate', SCHEMAS, ...OWN_SCHEMAS);
