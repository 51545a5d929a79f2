import { fileURLToPath } from "node:url";
import { digestOf, utf8, nobleSha256 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { segmentRoot } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";

export const GOLDEN_PATH = fileURLToPath(new URL("../../../../test/vectors/segment/level-0.json", import.meta.url));

/** A segment of level 0 over the leaves 0 to 255, for every implementation of format 1 to rebuild. */
export interface GoldenSegment {
  readonly level: 0;
  readonly number: 0;
  /** 256 canonical texts. */
  readonly entries: readonly string[];
  /** Base64. */
  readonly blocks: readonly string[];
  readonly root: string;
}

/** Builds the segment of 256 canonical texts. */
export function golden(entries: readonly string[]): GoldenSegment {
  const group = new Group(0, nobleSha256);
  const format = logFormat("rfc6962");
  for (const entry of entries) group.add({ canonical: utf8(entry), leafHash: format.leafHash(utf8(entry)) });
  const segment = buildSegment(group, 0);
  const root = digestOf(segmentRoot(segment, nobleSha256));
  return {
    level: 0,
    number: 0,
    entries,
    blocks: segment.blocks.map((block) => Buffer.from(block).toString("base64")),
    root,
  };
}
