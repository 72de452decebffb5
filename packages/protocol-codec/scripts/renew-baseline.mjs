// Makes the schema of today the one that later schemas have to be compatible with. Run at a release.
import { BASELINE, buf, OWN_SCHEMAS, SCHEMAS } from './buf.mjs';

process.exitCode = buf('build', SCHEMAS, ...OWN_SCHEMAS, '--exclude-source-info', '--output', BASELINE);
