import { evaluation, type Evaluation } from "../../core/segment/evaluate.js";
import type { SegmentFilter } from "../../core/segment/filter.js";
import type { SegmentReader } from "../../core/segment/read.js";
import { Unfinished } from "../../core/segment/word-lookup.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import type { Steps } from "./steps.js";
import type { SegmentSession } from "./stored-segments.js";

/** Dictionary blocks that are looked through in one go: some milliseconds. */
const STEP_BLOCKS = 32;

/** A filter over one segment, and the reader that it was evaluated with. */
export interface Evaluated {
  readonly reader: SegmentReader;
  readonly evaluation: Evaluation;
}

/** Evaluates a filter over a segment, looking up the words of its prefixes in steps. Rejects as the session and the steps do. */
export async function evaluated(filter: SegmentFilter, session: SegmentSession, steps: Steps): Promise<Evaluated> {
  for (;;) {
    const found = await session.read((reader) => evaluatedSoFar(filter, reader));
    await steps.pause();
    if (found !== undefined) return found;
  }
}

/** Undefined where a prefix has more words than one step may look up: they are kept with the reader. */
function evaluatedSoFar(filter: SegmentFilter, reader: SegmentReader): Evaluated | undefined {
  try {
    return { reader, evaluation: evaluation(filter, { reader, sha256: nodeSha256, blocks: STEP_BLOCKS }) };
  } catch (error) {
    if (error instanceof Unfinished) return undefined;
    throw error;
  }
}
