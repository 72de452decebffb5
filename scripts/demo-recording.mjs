// Records the beginning and the end of what the demo prints, as an animated picture: docs/pictures/demo.svg.
//   node scripts/demo-recording.mjs    after `npm run demo` has built it
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runTool } from './workspace.mjs';

const CHAPTERS = 3;
const LINE_HEIGHT = 19;
const COLUMNS = 78;
const MARGIN = 20;
/** Seconds between two lines: the pace of the demo, without its waiting. */
const PACE = 0.22;

const { ok, output } = await runTool(process.execPath, [join(root, 'apps', 'demo', 'dist', 'main.js')]);
if (!ok) throw new Error(output);
const printed = output.split('\n');
const next = printed.findIndex((line) => line.startsWith(` ${CHAPTERS + 1} `));
const summary = printed.find((line) => /^All \d+ checks passed/.test(line));
const lines = ['$ npm run demo', ...printed.slice(0, next), '   ...', '', summary];

const escaped = (text) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const kindOf = (line) =>
  /^ \d+ |^Sotto|^\$/.test(line)
    ? 'head'
    : /^\s+✓|^All \d/.test(line)
      ? 'check'
      : /^\s+!/.test(line)
        ? 'limit'
        : 'text';
const width = COLUMNS * 8.4 + 2 * MARGIN;
const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
const texts = lines.map((line, i) => {
  const y = MARGIN + (i + 1) * LINE_HEIGHT - 5;
  const delay = (i * PACE).toFixed(2);
  return `<text x="${MARGIN}" y="${y}" class="${kindOf(line)}" style="animation-delay:${delay}s">${escaped(line)}</text>`;
});

writeFileSync(
  join(root, 'docs', 'pictures', 'demo.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>What npm run demo prints: two phones meet, compare numbers, and write to each other</title>
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;animation:show .01s both}
.head{fill:#fff;font-weight:700}.check{fill:#7ee2a8}.limit{fill:#ffd479}.text{fill:#c9c9d6}
@keyframes show{from{opacity:0}to{opacity:1}}
@media (prefers-reduced-motion:reduce){text{animation:none}}
</style>
<rect width="${width}" height="${height}" rx="10" fill="#17171f"/>
${texts.join('\n')}
</svg>
`,
);
