import type { Equivalent } from "./equivalent.js";

/** Mutants of `src/engine`, but for its search, that no test can tell from the original. */
export const EQUIVALENT_IN_ENGINE: readonly Equivalent[] = [
  {
    file: "build/src/engine/log/newest-tree.js",
    line: "roots.forget();",
    mutant: ";",
    why: "every root that is kept is of a tree that was shown, and another is shown only when it leads to that one",
  },
  {
    file: "build/src/engine/log/sequencer.js",
    line: "if (growth !== undefined)",
    mutant: "if (true)",
    why: "where nothing is left to write, each request of the batch has its answer already",
  },
  {
    file: "build/src/engine/log/restored-log.js",
    line: "return head.size > 0 || (isReceivedAt(head.lastReceivedAt) && head.lastReceivedAt <= now)",
    mutant: "return head.size > 0 || (isReceivedAt(head.lastReceivedAt) && head.lastReceivedAt < now)",
    why: "an empty log that was made at this very time gets the same one",
  },
  {
    file: "build/src/engine/log/batch.js",
    line: "if (stamp >= lastReceivedAt)",
    mutant: "if (stamp > lastReceivedAt)",
    why: "entries stamped again with the time that they have are the same",
  },
  {
    file: "build/src/engine/log/log-tree.js",
    line: "if (tree.edge.size <= (this.#shown?.edge.size ?? -1))",
    mutant: "if (tree.edge.size < (this.#shown?.edge.size ?? -1))",
    why: "the same tree is shown again: who waits for growth looks, and waits on",
  },
  {
    file: "build/src/engine/log/log-tree.js",
    line: "if (tree.edge.size <= (this.#shown?.edge.size ?? -1))",
    mutant: "if (tree.edge.size <= (this.#shown?.edge.size ?? -(1 + 1)))",
    why: "no tree is smaller than the empty one",
  },
  {
    file: "build/src/engine/log/sequencer.js",
    line: "if (now > this.#last)",
    mutant: "if (now >= this.#last)",
    why: "of two equal times either is the last",
  },
  {
    file: "build/src/engine/log/sequencer.js",
    line: "this.#watchAhead(micros / 1_000, newest > this.#last ? newest : this.#last);",
    mutant: "this.#watchAhead(micros / 1_000, newest >= this.#last ? newest : this.#last);",
    why: "of two equal times either is the last",
  },
  {
    file: "build/src/engine/tree/bound-times.js",
    line: "if (found === undefined)",
    mutant: "if (false)",
    why: "whoever reads times returns one for each entry, or rejects",
  },
  {
    file: "build/src/engine/tree/prover.js",
    line: "const end = next + (wanted[place]?.length ?? 0);",
    mutant: "const end = next + (wanted[place]?.length ?? (0 + 1));",
    why: "a place within the array, whose default TypeScript asks for",
  },
  {
    file: "build/src/engine/upkeep/fsck-index.js",
    line: "return gaps.reduce((sum, { start, end }) => sum + end - start, 0);",
    mutant: "return gaps.reduce((sum, { start, end }) => sum + end - start, (0 + 1));",
    why: "sizes are compared with one another alone",
  },
  {
    file: "build/src/engine/upkeep/fsck-index.js",
    line: "gaps.splice(0, gaps.length, ...left.filter((gap) => gap.start < gap.end));",
    mutant: "gaps.splice(0, gaps.length, ...left.filter((gap) => gap.start <= gap.end));",
    why: "a gap of nothing has no leaf, and no size",
  },
  {
    file: "build/src/engine/log/log-tree.js",
    line: "#replacements = 0;",
    mutant: "#replacements = (0 + 1);",
    why: "the number is compared with itself alone",
  },
  {
    file: "build/src/engine/log/log-tree.js",
    line: "this.#replacements += 1;",
    mutant: "this.#replacements += (1 + 1);",
    why: "the number is compared with itself alone",
  },
  {
    file: "build/src/engine/log/newest-tree.js",
    line: "replaced.times += 1;",
    mutant: "replaced.times += (1 + 1);",
    why: "the number is compared with itself alone",
  },
  {
    file: "build/src/engine/tree/tile-reader.js",
    line: "return level * 2 ** 45 + index;",
    mutant: "return level * 2 ** (45 + 1) + index;",
    why: "each tile has a number of its own with either",
  },
  {
    file: "build/src/engine/tree/tile-reader.js",
    line: "return level * 2 ** 45 + index;",
    mutant: "return level * 2 ** 45 - index;",
    why: "each tile has a number of its own with either, as no log has 2^52 entries",
  },
  {
    file: "build/src/engine/upkeep/copy-requests.js",
    line: "for (let key = new Uint8Array(0); key !== undefined;) {",
    mutant: "for (let key = new Uint8Array((0 + 1)); key !== undefined;) {",
    why: "every key has 32 bytes, and comes after one zero too",
  },
  {
    file: "build/src/engine/tree/signed-tree.js",
    line: "for (let level = 0; size >= TILE_WIDTH ** (level + 1); level++) {",
    mutant: "for (let level = 0; size >= TILE_WIDTH ** (level - 1); level++) {",
    why: "a level without a full tile has no row",
  },
];
