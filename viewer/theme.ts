import { useState } from "react";

export type Theme = "system" | "light" | "dark";

const KEPT_AS = "auditql:theme";
const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };

/** The theme that was chosen in this browser, in place of the system's, and how to go to the next. */
export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState(keptTheme);
  const next = (): void => {
    localStorage.setItem(KEPT_AS, NEXT[theme]);
    applyTheme();
    setTheme(NEXT[theme]);
  };
  return [theme, next];
}

/** Before anything is drawn. */
export function applyTheme(): void {
  const theme = keptTheme();
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

function keptTheme(): Theme {
  const kept = localStorage.getItem(KEPT_AS);
  return kept === "light" || kept === "dark" ? kept : "system";
}
