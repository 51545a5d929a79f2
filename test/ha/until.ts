import { setTimeout as sleep } from "node:timers/promises";

/** For what does not come: several times what it takes on a machine that is ten times too slow. */
const PATIENCE_MS = 300_000;
/** For what may well never come, because something has failed already. */
export const SHORT_PATIENCE_MS = 30_000;
const PAUSE_MS = 100;

/** Asks until there is something, and resolves with it. Rejects, naming `what`, when it does not come about. */
export async function until<Found>(
  what: string,
  look: () => Promise<Found | undefined>,
  patienceMs = PATIENCE_MS,
): Promise<Found> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(PAUSE_MS);
  }
  throw new Error(`it did not come about within ${patienceMs / 1_000} s that ${what}`);
}
