import { contestants } from './contestants.js';
import type { Results } from './race.js';
import { formatCount } from './statistics.js';
import { svgDocument, svgText as text } from './svg.js';

const WIDTH = 860;
const LABELS = 330;
const BAR = 14;
const GAP = 4;
const COLOURS = { sotto: '#2f6f5e', floor: '#a9cfc0', rival: '#9aa5b1' } as const;

/** Draws the results as bars, one group per scenario, each with its own scale. A thin line shows the interval of 95 %. */
export function drawChart(results: Results, caption: string): string {
  const parts: string[] = [];
  let y = 30;
  for (const [scenario, figures] of results) {
    parts.push(text(10, y, scenario, 'font-weight="bold"'));
    y += 10;
    const shown = contestants.flatMap((contestant) => {
      const figure = figures.get(contestant.id);
      return typeof figure === 'object' ? [{ contestant, figure }] : [];
    });
    const most = Math.max(...shown.map(({ figure }) => figure.high));
    const scale = (value: number) => (value / most) * (WIDTH - LABELS - 90);
    for (const { contestant, figure } of shown) {
      const colour = COLOURS[contestant.kind];
      const middle = y + BAR / 2;
      const end = LABELS + scale(figure.median);
      parts.push(
        text(LABELS - 8, y + BAR - 3, contestant.title, 'text-anchor="end"'),
        `<rect x="${LABELS}" y="${y}" width="${scale(figure.median).toFixed(1)}" height="${BAR}" fill="${colour}"/>`,
        `<path d="M${(LABELS + scale(figure.low)).toFixed(1)} ${middle}H${(LABELS + scale(figure.high)).toFixed(1)}" stroke="#111" stroke-width="1"/>`,
        text(Math.max(end, LABELS + scale(figure.high)) + 6, y + BAR - 3, formatCount(figure.median)),
      );
      y += BAR + GAP;
    }
    y += 22;
  }
  parts.push(text(10, y, caption, 'fill="#555"'));
  return svgDocument(
    'Operations a second: Sotto and other libraries, measured in one run',
    { width: WIDTH, height: y + 16 },
    parts,
  );
}
