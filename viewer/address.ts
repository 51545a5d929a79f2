import { useCallback, useMemo, useSyncExternalStore } from "react";
import { readView, writeView, type Navigate, type View } from "./view.js";

/** The view that the address says, and how to go to another. */
export function useView(): readonly [View, Navigate] {
  const search = useSyncExternalStore(subscribe, () => window.location.search);
  const view = useMemo(() => readView(search), [search]);
  const navigate = useCallback<Navigate>((change, step = "push") => {
    const next = writeView({ ...readView(window.location.search), ...change });
    if (next === window.location.search) return;
    const url = window.location.pathname + next;
    if (step === "push") window.history.pushState(null, "", url);
    else window.history.replaceState(null, "", url);
    window.dispatchEvent(new PopStateEvent("popstate"));
  }, []);
  return [view, navigate];
}

/** The whole address of a view of this page. */
export function addressOf(view: View): string {
  return window.location.origin + window.location.pathname + writeView(view);
}

function subscribe(changed: () => void): () => void {
  window.addEventListener("popstate", changed);
  return () => {
    window.removeEventListener("popstate", changed);
  };
}
