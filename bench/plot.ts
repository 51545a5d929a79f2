/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One plot of several beside and below each other. */
export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

/** What all panels share. */
export interface Axes {
  readonly columns: number;
  /** Decades on both axes, or from 0 in even steps. */
  readonly scale: "linear" | "log";
  /** Where the x axis is labelled, and as what. */
  readonly x: readonly (readonly [x: number, label: string])[];
}

const WIDTH = 360;
const HEIGHT = 200;
const FRAME = { left: 52, right: 96, top: 34, bottom: 26 };
const COLORS = 4;
const Y_STEPS = 4;
/** Labels of lines that end at the same place would cover each other. */
const LABEL_PX = 12;

/** Readable on a light page and on a dark one. */
const STYLE = `
  text { font: 11px system-ui, sans-serif; fill: #59636e; } .title { font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d1d9e0; } path { fill: none; stroke-width: 1.75; }
  .c0 { stroke: #0969da; } .c1 { stroke: #bc4c00; } .c2 { stroke: #1a7f37; } .c3 { stroke: #8250df; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #3d444d; }
    .c0 { stroke: #4493f8; } .c1 { stroke: #f0883e; } .c2 { stroke: #3fb950; } .c3 { stroke: #ab7df8; }
  }`;

/** The panels as the text of an SVG file. */
export function plot(panels: readonly Panel[], axes: Axes): string {
  const rows = Math.ceil(panels.length / axes.columns);
  const [width, height] = [axes.columns * WIDTH, rows * HEIGHT];
  const drawn = panels.map((panel, place) => {
    const [x, y] = [(place % axes.columns) * WIDTH, Math.floor(place / axes.columns) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${draw(panel, axes)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<style>${STYLE}
</style>
${drawn.join("\n")}
</svg>
`;
}

type Place = (value: number) => number;

function draw({ title, series }: Panel, { scale, x }: Axes): string {
  const ticks = ticksOf(
    series.flatMap(({ points }) => points.map(([, y]) => y)),
    scale,
  );
  const right = WIDTH - FRAME.right;
  const bottom = HEIGHT - FRAME.bottom;
  const xAt = along(
    x.map(([at]) => at),
    [FRAME.left, right],
    scale,
  );
  const yAt = along(ticks, [bottom, FRAME.top], scale);
  const rules = ticks.map((tick) => {
    const y = px(yAt(tick));
    return `<path class="grid" style="stroke-width:.75" d="M${FRAME.left} ${y}H${right}"/><text x="${FRAME.left - 6}" y="${y}" dy=".32em" text-anchor="end">${label(tick)}</text>`;
  });
  const places = x.map(
    ([at, text]) => `<text x="${px(xAt(at))}" y="${bottom + 16}" text-anchor="middle">${text}</text>`,
  );
  return [
    `<text class="title" x="${FRAME.left}" y="18">${title}</text>`,
    ...rules,
    ...places,
    ...series.map(({ points }, i) => {
      const line = points.map(([at, value]) => `${px(xAt(at))} ${px(yAt(value))}`).join("L");
      return `<path class="c${i % COLORS}" d="M${line}"/>`;
    }),
    ...names(series, right, yAt),
  ].join("\n");
}

/** Each line's name stands at its end, moved down where another one's is. */
function names(series: readonly Series[], right: number, yAt: Place): readonly string[] {
  const ends = series.map(({ name, points }) => ({ name, y: yAt(points.at(-1)?.[1] ?? NaN) }));
  let free = -Infinity;
  return ends
    .sort((a, b) => a.y - b.y)
    .map(({ name, y }) => {
      const at = Math.max(y, free);
      free = at + LABEL_PX;
      return `<text x="${right + 6}" y="${px(at)}" dy=".32em">${name}</text>`;
    });
}

function ticksOf(values: readonly number[], scale: Axes["scale"]): readonly number[] {
  const largest = Math.max(...values);
  if (scale === "log") {
    const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(largest))];
    return Array.from({ length: Math.max(1, high - low) + 1 }, (_, i) => 10 ** (low + i));
  }
  const rough = largest / Y_STEPS;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * unit).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, i) => i * step);
}

/** Where a value lies between two places, as the first and last of `values` do. */
function along(values: readonly number[], [from, to]: readonly [number, number], scale: Axes["scale"]): Place {
  const of = scale === "log" ? Math.log10 : (value: number) => value;
  const [first, last] = [of(Math.min(...values)), of(Math.max(...values))];
  return (value) => from + ((of(value) - first) / (last - first)) * (to - from);
}

const px = (value: number): string => value.toFixed(1);

function label(tick: number): string {
  return tick.toLocaleString("en", { maximumSignificantDigits: 3 });
}
