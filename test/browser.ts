import { chromium, type Browser } from "playwright-core";
import { findProgram } from "./program.js";

const path = findProgram("chromium", "chromium-browser", "google-chrome");

/** Whether this machine has a browser. */
export const hasBrowser = path !== undefined;

/** Keeps the browser itself from calling home, so that every request seen is the page's. */
const QUIET = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: path ?? "", args: QUIET });
}
