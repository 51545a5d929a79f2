import type { ReactElement } from "react";
import type { Live } from "./use-live.js";
import { isNewestFirst, type View } from "./view.js";

/** Follows the log, and pauses. New entries belong above the newest alone, and in no window that ends. */
export function LiveButtons({ live, view }: { readonly live: Live; readonly view: View }): ReactElement {
  const { state, waiting, isFull, set } = live;
  const fits = isNewestFirst(view.sorting) && !(view.period.kind === "between" && view.period.end !== "");
  const why = fits ? undefined : "To follow the log, show the newest entries first, in a window of time without an end";
  return (
    <>
      <button
        type="button"
        className={state === "off" ? "live" : "live on"}
        aria-pressed={state !== "off"}
        disabled={!fits}
        title={why}
        onClick={() => {
          set(state === "off" ? "on" : "off");
        }}
      >
        <span className="dot" aria-hidden="true" /> Live
      </button>
      {state !== "off" && (
        <button
          type="button"
          onClick={() => {
            set(state === "on" ? "paused" : "on");
          }}
        >
          {state === "on" ? "Pause" : waiting === 0 ? "Resume" : `Resume (${waiting} new${isFull ? " or more" : ""})`}
        </button>
      )}
    </>
  );
}
