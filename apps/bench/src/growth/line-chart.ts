import { formatCount } from '../statistics.js';
import { svgDocument, svgText } from '../svg.js';
import type { Curve, Line } from './curve.js';

const COLUMNS = 2;
const PANEL = { width: 430, height: 250 };
/** Margins of a panel. */
const MARGIN = { left: 64, right: 28, top: 34, bottom: 78 };
const COLOURS = ['#2f6f5e', '#b0552f', '#4a62a8', '#8a8f2b', '#7d4b8f', '#3b8ea5', '#333'];

/**
 * Draws a panel per curve with logarithmic scales: proportional growth is a straight slope, no growth is level. Lines
 * with half of the sizes or fewer are only in the tables.
 */
export function drawCurves(all: readonly Curve[], caption: string): string {
  const curves = all.map(withWholeLines).filter(({ lines }) => lines.some(({ points }) => points.length > 1));
  const panels = curves.map((curve, i) => {
    const x = (i % COLUMNS) * PANEL.width;
    const y = Math.floor(i / COLUMNS) * PANEL.height;
    return `<g transform="translate(${x} ${y})">\n${drawPanel(curve).join('\n')}\n</g>`;
  });
  const bottom = Math.ceil(curves.length / COLUMNS) * PANEL.height;
  return svgDocument(
    'How time and memory grow: curves of Sotto',
    { width: COLUMNS * PANEL.width, height: bottom + 24 },
    [...panels, svgText(10, bottom + 12, caption, 'fill="#555"')],
  );
}

function withWholeLines(curve: Curve): Curve {
  const most = Math.max(...curve.lines.map(({ points }) => points.length));
  return { ...curve, lines: curve.lines.filter(({ points }) => 2 * points.length > most) };
}

function drawPanel({ title, along, lines }: Curve): string[] {
  const points = lines.flatMap((line) => line.points);
  const x = logScale(
    points.map(({ at }) => at),
    MARGIN.left,
    PANEL.width - MARGIN.right,
  );
  const bottom = PANEL.height - MARGIN.bottom;
  const y = logScale(
    points.flatMap(({ figure }) => [figure.low, figure.high]),
    bottom,
    MARGIN.top,
  );
  const sizes = [...new Set(points.map(({ at }) => at))];
  return [
    svgText(10, 18, title, 'font-weight="bold"'),
    `<path d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${PANEL.width - MARGIN.right}" stroke="#999" fill="none"/>`,
    ...y.ticks.map((value) =>
      svgText(
        MARGIN.left - 6,
        Math.round(y.place(value)) + 4,
        formatCount(value),
        'text-anchor="end" font-size="10"',
      ),
    ),
    ...sizes.map((size) =>
      svgText(x.place(size), bottom + 14, formatCount(size), 'text-anchor="middle" font-size="10"'),
    ),
    svgText(
      (MARGIN.left + PANEL.width) / 2,
      bottom + 28,
      along,
      'text-anchor="middle" font-size="10" fill="#555"',
    ),
    ...lines.flatMap((line, i) => drawLine(line, COLOURS[i % COLOURS.length] as string, x.place, y.place)),
    ...lines.map(({ title: name }, i) =>
      svgText(
        10 + (i % 3) * 140,
        bottom + 46 + Math.floor(i / 3) * 13,
        `● ${name}`,
        `font-size="10" fill="${COLOURS[i % COLOURS.length]}"`,
      ),
    ),
  ];
}

function drawLine({ points }: Line, colour: string, x: Place, y: Place): string[] {
  const at = (value: number) => value.toFixed(1);
  return [
    `<polyline points="${points.map(({ at: size, figure }) => `${at(x(size))},${at(y(figure.median))}`).join(' ')}" stroke="${colour}" stroke-width="1.5" fill="none"/>`,
    ...points.flatMap(({ at: size, figure }) => [
      `<circle cx="${at(x(size))}" cy="${at(y(figure.median))}" r="2.5" fill="${colour}"/>`,
      `<path d="M${at(x(size))} ${at(y(figure.low))}V${at(y(figure.high))}" stroke="${colour}"/>`,
    ]),
  ];
}

type Place = (value: number) => number;

/** A scale over whole powers of ten. */
function logScale(
  values: readonly number[],
  from: number,
  to: number,
): { place: Place; ticks: readonly number[] } {
  const positive = values.filter((value) => value > 0);
  // So little memory may be held that it can't be told from none.
  const logs = (positive.length > 0 ? positive : [1]).map(Math.log10);
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)));
  const place = (value: number) =>
    from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from);
  return { place, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) };
}
