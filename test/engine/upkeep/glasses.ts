import type { SearchIndex } from "../../../src/audit/search-index.js";
import type { LogHead, LogStore, StoredEntry } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import type { TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { fsck, type FsckOptions, type FsckReport } from "../../../src/engine/upkeep/fsck.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { damaged } from "../tree/damaged-store.js";
import { memoryIndex } from "../search/memory-index.js";
import { KEYRING } from "../../keyring.js";
import { fill, openTestService, ORIGIN } from "../test-log.js";

export const format = logFormat("rfc6962", nodeSha256);

/** A log that a test looks at through changed glasses. */
export class Glasses {
  readonly memory = new MemoryLogStore();
  readonly index: SearchIndex = memoryIndex(this.memory);

  async fill(count: number): Promise<void> {
    await fill(await openTestService({ store: this.memory, index: this.index }), count);
  }

  async check(
    changes: Partial<LogStore> = {},
    head: Partial<LogHead> = {},
    options: Partial<FsckOptions> = {},
  ): Promise<FsckReport> {
    const stored = await this.memory.head("default");
    if (stored === undefined) throw new Error("no log");
    const fixed = { source: this.source(changes), index: this.index, ed25519: nodeEd25519() };
    return fsck({ ...fixed, ...options }, { ...stored, ...head });
  }

  source(changes: Partial<LogStore> = {}): TreeSource {
    const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
    return { log: "default", store: damaged(this.memory, changes), format, key };
  }

  /** What is stored, with some entries changed. */
  changing(change: (entry: StoredEntry) => StoredEntry | undefined): Pick<LogStore, "entries"> {
    return {
      entries: async (log, indexes) =>
        (await this.memory.entries(log, indexes)).map((entry) => (entry === undefined ? entry : change(entry))),
    };
  }
}

export const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
