import { workerData } from "node:worker_threads";
import type { MergerData } from "./segment-merger.js";
import { askOver, mergedBy } from "./segment-merging.js";
import { goLast } from "./thread-priority.js";

const { children, isAwaited, ...line } = workerData as MergerData;
if (!isAwaited) goLast();
line.port.postMessage(mergedBy(children, askOver(line)));
line.port.close();
