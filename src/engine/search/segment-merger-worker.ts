import { workerData } from "node:worker_threads";
import type { MergerData } from "./segment-merger.js";
import { askOver, mergedBy } from "./segment-merging.js";

const { children, ...line } = workerData as MergerData;
line.port.postMessage(mergedBy(children, askOver(line)));
line.port.close();
