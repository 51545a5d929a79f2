import type { ReactElement, ReactNode } from "react";
import { sentenceOf } from "./lock.js";
import { TrustDialog } from "./trust-dialog.js";
import type { Live } from "./use-live.js";
import type { Found, Result } from "./use-result.js";
import type { Trust } from "./use-trust.js";

interface StatusLineProps {
  readonly result: Result;
  readonly trust: Trust;
  readonly live: Live;
  readonly log: string;
  /** Buttons after the count. */
  readonly children: ReactNode;
}

/** How much was found, and whether the log's history is the one that this browser knows. */
export function StatusLine({ result, trust, live, log, children }: StatusLineProps): ReactElement {
  const { found, failure, isLoading, searchAgain } = result;
  const { kind } = trust.history;
  const wrong = [failure, live.failure].find((one) => one !== undefined && one.kind !== "query");
  return (
    <div className="status-line">
      <span role="status" className="count">
        {isLoading ? "Searching …" : found === undefined ? "" : countOf(found)}
      </span>
      {children}
      {live.shown.length > 0 && (
        <span className="quiet">and {live.shown.length.toLocaleString("en")} logged since</span>
      )}
      {failure?.kind === "query" && (
        <span className="wrong" role="alert">
          {failure.column !== undefined && <b>Column {failure.column}. </b>}
          {failure.message}
        </span>
      )}
      {wrong !== undefined && (
        <span className="wrong" role="alert">
          {wrong.message}{" "}
          <button type="button" onClick={searchAgain}>
            Try again
          </button>
        </span>
      )}
      {found !== undefined && (
        <span
          className={`history ${kind === "broken" ? "red" : kind === "unchecked" || kind === "checking" ? "grey" : "green"}`}
        >
          <span className="history-text" role={kind === "broken" ? "alert" : undefined}>
            {kind === "broken" ? sentenceOf(trust.history) : `History: ${sentenceOf(trust.history)}`}
          </span>
          <TrustDialog trust={trust} log={log} tree={found.tree} />
        </span>
      )}
    </div>
  );
}

function countOf({ rowCount, isCounted }: Found): string {
  const count = rowCount === 1 ? "1 entry" : `${rowCount.toLocaleString("en")} entries`;
  return isCounted ? count : `${count} or more: a damaged entry keeps them from being counted`;
}
