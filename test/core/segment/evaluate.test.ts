import { expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { evaluation } from "../../../src/core/segment/evaluate.js";
import { PIECE_DOCUMENTS } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { logged } from "../../stores/search-events.js";

test("an evaluation that begins again, for it lacked a block, does not look up again what it found", () => {
  const group = new Group(0, nodeSha256);
  for (let leaf = 0; leaf < PIECE_DOCUMENTS; leaf++) {
    const { canonical, leafHash } = logged({ message: `a${leaf} b${leaf}` }, leaf);
    group.add({ canonical: utf8(canonical), leafHash });
  }
  const source = memorySource(buildSegment(group, 1, 0));
  let reads = 0;
  const reader = new SegmentReader({ ...source, block: (number) => ((reads += 1), source.block(number)) });
  const prefix = (word: string) => ({ kind: "phrase", field: undefined, words: [word], prefix: true }) as const;
  const both = { kind: "or", filters: [prefix("a"), prefix("b")] } as const;
  evaluation(prefix("a"), reader, nodeSha256);
  const once = reads;
  evaluation(both, reader, nodeSha256);
  const afterBoth = reads;
  evaluation(both, reader, nodeSha256);
  expect(once).toBeGreaterThan(10);
  expect(afterBoth).toBeLessThan(2.5 * once);
  expect(reads).toBe(afterBoth);
});
