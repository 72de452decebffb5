const { entries } = require('./entries.mjs');
const { talk } = require('./talk.mjs');

for (const entry of entries()) require(entry);
talk().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
