import { lazy, Suspense, useCallback, useState, type ReactElement } from "react";
import type { Gateway } from "./gateway.js";
import { CountOverTimeDocument } from "./generated/operations.js";
import type { Bucket } from "./histogram-plot.js";
import { useMount } from "./mount.js";
import { useAnswer } from "./use-answer.js";
import type { Found } from "./use-result.js";
import type { Navigate, View } from "./view.js";

const HistogramPlot = lazy(() => import("./histogram-plot.js"));

interface TimeLineProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly found: Found | undefined;
}

/** How the whole result spreads over time; a drag over it, or a click on a bar, is the next period. */
export function TimeLine({ view, navigate, found }: TimeLineProps): ReactElement {
  const { of } = view;
  const { gateway } = useMount();
  const count = useCallback((resultId: string) => countOverTime(gateway, { resultId, of }), [gateway, of]);
  const { answer, failure } = useAnswer(found?.resultId, count);
  const [pointed, setPointed] = useState<Bucket>();
  const choose = useCallback(
    (start: string, end: string) => {
      navigate({ period: { kind: "between", start, end }, entry: undefined });
    },
    [navigate],
  );
  const buckets = answer?.buckets ?? [];
  return (
    <section className="time-line" aria-label="Entries over time">
      <div className="plot" role="img" aria-label={summaryOf(buckets)}>
        <Suspense>
          {buckets.length > 0 && <HistogramPlot buckets={buckets} onChoose={choose} onPoint={setPointed} />}
        </Suspense>
      </div>
      <p className="quiet pointed">{failure?.message ?? captionOf(pointed, answer?.otherCount ?? 0)}</p>
    </section>
  );
}

async function countOverTime(gateway: Gateway, counted: { readonly resultId: string; readonly of: View["of"] }) {
  const { results } = await gateway.ask(CountOverTimeDocument, counted);
  return results.histogram ?? undefined;
}

function captionOf(pointed: Bucket | undefined, otherCount: number): string {
  if (pointed !== undefined) return `${minute(pointed.start)} to ${minute(pointed.end)}: ${entries(pointed.count)}`;
  return otherCount === 0 ? "" : `${entries(otherCount)} without such a time`;
}

function summaryOf(buckets: readonly Bucket[]): string {
  const [first, last] = [buckets.at(0), buckets.at(-1)];
  if (first === undefined || last === undefined) return "No entries over time";
  const most = buckets.reduce((one, other) => (other.count > one.count ? other : one));
  return `From ${minute(first.start)} to ${minute(last.end)}; most from ${minute(most.start)} to ${minute(most.end)}: ${entries(most.count)}`;
}

function minute(time: string): string {
  return time.replace("T", " ").replace(/(?::00)?\.0+Z$/, "");
}

function entries(count: number): string {
  return count === 1 ? "1 entry" : `${count.toLocaleString("en")} entries`;
}
