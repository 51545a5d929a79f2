import { useEffect, useRef, type ReactElement, type RefObject } from "react";
import uPlot, { type AlignedData, type Options } from "uplot";

export interface Bucket {
  /** RFC 3339; the end is exclusive. */
  readonly start: string;
  readonly end: string;
  readonly count: number;
}

interface HistogramPlotProps {
  readonly buckets: readonly Bucket[];
  readonly onChoose: (start: string, end: string) => void;
  readonly onPoint: (bucket: Bucket | undefined) => void;
}

const HEIGHT = 76;
/** A shorter drag is a click. */
const CLICK_PIXELS = 4;

export default function HistogramPlot(props: HistogramPlotProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot>(null);
  useEffect(() => {
    const { current: box } = place;
    if (box === null) return;
    const drawn = new uPlot(optionsOf(box, latest), dataOf(latest.current.buckets), box);
    plot.current = drawn;
    const stop = keepDrawn(box, drawn);
    return () => {
      stop();
      drawn.destroy();
    };
  }, []);
  const { buckets } = props;
  useEffect(() => {
    plot.current?.setData(dataOf(buckets));
    plot.current?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }, [buckets]);
  return <div ref={place} className="bars" />;
}

/** Each bar in the middle of its bucket. */
function dataOf(buckets: readonly Bucket[]): AlignedData {
  const middles = buckets.map(({ start, end }) => (Date.parse(start) + Date.parse(end)) / 2_000);
  return [middles, buckets.map(({ count }) => count)];
}

function optionsOf(box: HTMLElement, latest: RefObject<HistogramPlotProps>): Options {
  const color = (): string => getComputedStyle(box).color;
  const quiet = (): string => getComputedStyle(box.parentElement ?? box).color;
  const bars = uPlot.paths.bars?.({ size: [0.86, 64] });
  const axis = { stroke: quiet, grid: { show: false }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [4, 0, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: {
      x: { range: () => edgesOf(latest.current.buckets) },
      y: { range: (_plot, _least, most) => [0, Math.max(1, most)] },
    },
    axes: [{ ...axis, size: 22, space: 90, values: (...given) => timesOf(given[1], given[4]) }, { show: false }],
    series: [{}, { fill: color, stroke: color, width: 0, points: { show: false }, ...(bars && { paths: bars }) }],
    hooks: {
      setCursor: [
        ({ cursor }) => {
          latest.current.onPoint(latest.current.buckets[cursor.idx ?? -1]);
        },
      ],
      setSelect: [
        (plot) => {
          choose(plot, latest.current);
        },
      ],
      ready: [
        (plot) => {
          plot.over.addEventListener("click", () => {
            const pointed = latest.current.buckets[plot.cursor.idx ?? -1];
            if (pointed !== undefined && plot.select.width < CLICK_PIXELS)
              latest.current.onChoose(pointed.start, pointed.end);
          });
        },
      ],
    },
  };
}

/** Hours and minutes in UTC, and the day where one begins. */
function timesOf(seconds: readonly number[], step: number): string[] {
  return seconds.map((time) => {
    const [day = "", clock = ""] = new Date(time * 1_000).toISOString().split("T");
    if (step >= 86_400) return day;
    return clock.startsWith("00:00:00") ? day.slice(5) : clock.slice(0, step < 60 ? 8 : 5);
  });
}

/** From the beginning of the first bucket that was dragged over to the end of the last. */
function choose(plot: uPlot, { buckets, onChoose }: HistogramPlotProps): void {
  const { left, width } = plot.select;
  if (width < CLICK_PIXELS) return;
  const [from, to] = [left, left + width].map((pixels) => plot.posToVal(pixels, "x") * 1_000);
  const chosen = buckets.filter(({ start, end }) => Date.parse(end) > (from ?? 0) && Date.parse(start) < (to ?? 0));
  const [first, last] = [chosen.at(0), chosen.at(-1)];
  if (first !== undefined && last !== undefined) onChoose(first.start, last.end);
}

function edgesOf(buckets: readonly Bucket[]): [number, number] {
  const [first, last] = [buckets.at(0), buckets.at(-1)];
  return [Date.parse(first?.start ?? "1970-01-01") / 1_000, Date.parse(last?.end ?? "1970-01-02") / 1_000];
}

/** Draws again in another width, and in the colors of another theme. */
function keepDrawn(box: HTMLElement, plot: uPlot): () => void {
  const sized = new ResizeObserver(() => {
    plot.setSize({ width: box.clientWidth, height: HEIGHT });
  });
  sized.observe(box);
  const redraw = (): void => {
    plot.redraw();
  };
  const themed = new MutationObserver(redraw);
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", redraw);
  return () => {
    sized.disconnect();
    themed.disconnect();
    dark.removeEventListener("change", redraw);
  };
}
