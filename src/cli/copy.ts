import type { IndexedStore } from "../audit/search-index.js";
import type { LogHead } from "../audit/store.js";
import type { TreeSource } from "../engine/tree/signed-tree.js";
import { copyLog } from "../engine/upkeep/copy.js";
import { copyRequests } from "../engine/upkeep/copy-requests.js";
import { findingText } from "../engine/upkeep/finding.js";
import { fsck } from "../engine/upkeep/fsck.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import type { Settings } from "../settings/read.js";
import type { Console } from "./key.js";
import { Progress, withBars } from "./progress.js";
import { FOUND, orImpossible, requireLogs, SOUND, withStore, withStoredLogs, type StoreRun } from "./store-files.js";

/**
 * Copies every log of one store to another, then derives the copies again. Returns SOUND, or FOUND when a copy is not.
 * Both stores must have no gateway on them while it runs; run again, it goes on where it stopped.
 */
export function copyStore(storage: Settings["storage"], target: string, run: StoreRun): Promise<number> {
  return orImpossible(copyAll(storage, target, run), run.to.note);
}

function copyAll(storage: Settings["storage"], target: string, { tools, to }: StoreRun): Promise<number> {
  return withStoredLogs(storage, tools, async ({ opened: from, heads, source, keyring }) => {
    requireLogs(heads.length);
    return withStore(tools.openStore(target, keyring), async (there) => {
      let outcome = SOUND;
      for (const head of heads) {
        await copyOne(head, { from, there, source: source(head), to });
        if (!(await isSound(there, head, { source: source(head, there), to }))) outcome = FOUND;
      }
      return outcome;
    });
  });
}

interface OneCopy {
  readonly from: IndexedStore;
  readonly there: IndexedStore;
  readonly source: TreeSource;
  readonly to: Console;
}

async function copyOne({ log }: LogHead, { from, there, source, to }: OneCopy): Promise<void> {
  const bar = new Progress(`${log}: copy`, process.stderr);
  const onProgress = (done: number, size: number): void => {
    bar.show(done, size);
  };
  const { size, found } = await copyLog({ from: source, to: there.log, onProgress }).finally(() => {
    bar.end();
  });
  to.note(`${log}: ${size - found} entries copied, ${found} were there`);
  to.note(`${log}: idempotency keys: ${await copyRequests({ log, size, from: from.log, to: there.log })}`);
}

async function isSound(
  there: IndexedStore,
  { log }: LogHead,
  { source, to }: { readonly source: TreeSource; readonly to: Console },
): Promise<boolean> {
  const copied = await there.log.head(log);
  if (copied === undefined) return false;
  const options = { source, index: there.index, ed25519: nodeEd25519() };
  const { findings } = await withBars(log, process.stderr, (bars) => fsck({ ...options, ...bars }, copied));
  for (const finding of findings) to.out(`${log}: ${findingText(finding)}`);
  to.note(`${log}: the copy ${findings.length === 0 ? "is sound" : "has findings"}; root of ${copied.size} entries`);
  return findings.length === 0;
}
