import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type RefObject } from "react";
import { useNarrow } from "./frame.js";
import type { Live } from "./use-live.js";
import { rowAt, type Result, type Row } from "./use-result.js";

/** Browsers draw no page higher than some 17 million pixels: a longer result is shown in parts of so many rows. */
export const MOST_ROWS = 200_000;

/** The rows of a result, with those that were logged since above them, of which the ones in sight are drawn. */
export function useTable({ result, live }: { readonly result: Result; readonly live: Live }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const [part, setPart] = useState({ resultId: "", start: 0 });
  const { found, need } = result;
  const isNarrow = useNarrow();
  const height = isNarrow ? 78 : 36;
  const start = part.resultId === found?.resultId ? part.start : 0;
  const above = start === 0 ? live.shown.length : 0;
  const count = above + Math.min((found?.rowCount ?? 0) - start, MOST_ROWS);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
    scrollPaddingStart: isNarrow ? 0 : height,
  });
  const seen = rows.getVirtualItems();
  const [first, last] = [seen.at(0)?.index ?? 0, seen.at(-1)?.index ?? 0];
  useEffect(() => {
    rows.measure();
  }, [rows, height]);
  useNeeded(need, last < above ? undefined : [start + Math.max(0, first - above), start + last - above]);
  useKeepPlace(scroller, { shown: `${found?.resultId ?? ""} ${start}`, above, height, setActive });
  const at = (index: number): Row | undefined =>
    index < above ? live.shown[index] : found && rowAt(found, start + index - above);
  const goTo = (next: number): void => {
    if (found !== undefined) setPart({ resultId: found.resultId, start: next });
  };
  return { scroller, rows, count, height, active, setActive, at, start, goTo };
}

/** Rows so far from those that were asked for last are asked for where a drag of the scroll bar rests, not where it passes. */
const FAR_ROWS = 200;
const REST_MS = 120;

/** Asks for the rows in sight, from the first to the last of the result; undefined: none of it is. */
function useNeeded(need: Result["need"], seen: readonly [first: number, last: number] | undefined): void {
  const asked = useRef({ need, first: 0 });
  const [first, last] = seen ?? [];
  useEffect(() => {
    if (first === undefined || last === undefined) return;
    const ask = (): void => {
      asked.current = { need, first };
      need(first, last);
    };
    const from = asked.current.need === need ? asked.current.first : 0;
    if (Math.abs(first - from) <= FAR_ROWS) {
      ask();
      return;
    }
    const timer = setTimeout(ask, REST_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [need, first, last]);
}

interface Place {
  /** Which part of which result. */
  readonly shown: string;
  /** Rows above the result. */
  readonly above: number;
  readonly height: number;
  readonly setActive: (change: (active: number) => number) => void;
}

/** Another result begins at its top; what comes above it later moves nothing that is read. */
function useKeepPlace(scroller: RefObject<HTMLDivElement | null>, { shown, above, height, setActive }: Place): void {
  const before = useRef({ shown, above });
  useEffect(() => {
    const last = before.current;
    before.current = { shown, above };
    const { current: box } = scroller;
    if (box === null) return;
    if (last.shown !== shown) {
      box.scrollTop = 0;
      setActive(() => 0);
      return;
    }
    const added = above - last.above;
    if (added === 0 || box.scrollTop === 0) return;
    box.scrollTop += added * height;
    setActive((active) => active + added);
  }, [scroller, shown, above, height, setActive]);
}
