import { useState, type ReactElement } from "react";
import type { Navigate, Period, View } from "./view.js";

const PRESETS: readonly (readonly [last: string, name: string])[] = [
  ["15min", "Last 15 minutes"],
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
];

interface PeriodChoiceProps {
  readonly view: Pick<View, "period" | "of">;
  readonly navigate: Navigate;
}

/** When: the whole log, the latest, or from one time to another; by either of an entry's times. */
export function PeriodChoice({ view: { period, of }, navigate }: PeriodChoiceProps): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const isBetween = isOpen || period.kind === "between";
  const choose = (value: string): void => {
    setOpen(value === "between");
    if (value !== "between")
      navigate({ period: value === "all" ? { kind: "all" } : { kind: "last", last: value }, entry: undefined });
  };
  const chosen = isBetween ? "between" : period.kind === "last" ? period.last : "all";
  const others = period.kind === "last" && !PRESETS.some(([last]) => last === period.last) ? [period.last] : [];
  return (
    <div className="period">
      <select
        aria-label="Period"
        value={chosen}
        onChange={({ target }) => {
          choose(target.value);
        }}
      >
        <option value="all">All time</option>
        {PRESETS.map(([last, name]) => (
          <option key={last} value={last}>
            {name}
          </option>
        ))}
        {others.map((last) => (
          <option key={last} value={last}>
            Last {last}
          </option>
        ))}
        <option value="between">From … to …</option>
      </select>
      {isBetween && <Between period={period} navigate={navigate} />}
      <select
        aria-label="Which time"
        value={of}
        onChange={({ target }) => {
          navigate({ of: target.value === "TIMESTAMP" ? "TIMESTAMP" : "RECEIVED_AT" });
        }}
      >
        <option value="RECEIVED_AT">by time received</option>
        <option value="TIMESTAMP">by event time</option>
      </select>
    </div>
  );
}

interface BetweenProps {
  readonly period: Period;
  readonly navigate: Navigate;
}

function Between({ period, navigate }: BetweenProps): ReactElement {
  const { start, end } = period.kind === "between" ? period : { start: "", end: "" };
  const bounds = { start, end };
  const field = (bound: "start" | "end", name: string): ReactElement => (
    <label>
      {name}{" "}
      <input
        type="datetime-local"
        step="1"
        value={bounds[bound].slice(0, 19)}
        onChange={({ target }) => {
          const next = { ...bounds, [bound]: target.value === "" ? "" : inUtc(target.value) };
          navigate({ period: { kind: "between", ...next }, entry: undefined }, "replace");
        }}
      />
    </label>
  );
  return (
    <>
      {field("start", "From")}
      {field("end", "to")}
      <span className="quiet">UTC</span>
    </>
  );
}

/** The field leaves seconds out where they are zero. */
function inUtc(local: string): string {
  return `${local.length === 16 ? `${local}:00` : local}Z`;
}
