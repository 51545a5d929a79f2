import type { BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LocalAuditService } from "../../../src/engine/log-health.js";
import { openLocalService } from "../../../src/engine/local-service.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { openStore } from "../../../src/stores/index.js";
import { KEYRING } from "../../keyring.js";
import { LOG, sealed, TALL_ORIGIN } from "./tall-stores.js";

/** Before or after what a large merge does with the store; the last ones are about its children. */
export const MERGE_STEPS = ["cleared", "staged", "to-publish", "published", "to-remove", "removed"] as const;

export type MergeStep = (typeof MERGE_STEPS)[number];

export type AtStep = (step: MergeStep) => Promise<void>;

export interface MergingGateway {
  readonly service: AuditServiceOf;
  readonly index: SegmentIndex;
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

type AuditServiceOf = LocalAuditService;

/** A gateway over a store, as the program opens it, but that each merge goes from block to block, as those of large segments do. */
export async function openMergingGateway(
  url: string,
  atStep: AtStep,
  watch: (blocks: BlockStore) => BlockStore = (blocks) => blocks,
): Promise<MergingGateway> {
  const { blocks, ...store } = await openStore(url);
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const index = new SegmentIndex({
    ...store,
    blocks: watch(stopping(sealed(blocks), atStep)),
    mergedInMemory: 0,
    warn,
  });
  const service = await openLocalService({
    ...{ store: store.log, sharedStore: store.isShared, index, cache: new MemoryRootCache(), keyring: KEYRING },
    ...{ origin: TALL_ORIGIN, logs: [{ log: LOG, format: "rfc6962" }] },
  });
  const close = async (): Promise<void> => {
    await service.close();
    await index.close();
    await store.log.close();
  };
  return { service, index, warnings, close };
}

function stopping(blocks: BlockStore, atStep: AtStep): BlockStore {
  const isTall = ({ level }: { readonly level: number }): boolean => level === 3;
  return replaced<BlockStore>(blocks, {
    remove: async (log, ids) => {
      const isOfChildren = !ids.some(isTall);
      if (isOfChildren) await atStep("to-remove");
      await blocks.remove(log, ids);
      await atStep(isOfChildren ? "removed" : "cleared");
    },
    stage: async (log, id, some) => {
      await blocks.stage(log, id, some);
      await atStep("staged");
    },
    publish: async (log, segment) => {
      await atStep("to-publish");
      await blocks.publish(log, segment);
      await atStep("published");
    },
  });
}
