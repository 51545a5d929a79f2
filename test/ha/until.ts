import { setTimeout as sleep } from "node:timers/promises";

/** For what does not come: several times what it takes on a machine that is ten times too slow. */
const PATIENCE_MS = 300_000;
const PAUSE_MS = 100;

/** Asks until there is something, and resolves with it. Rejects, naming `what`, when it does not come about. */
export async function until<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(PAUSE_MS);
  }
  throw new Error(`it did not come about within ${PATIENCE_MS / 1_000} s that ${what}`);
}
