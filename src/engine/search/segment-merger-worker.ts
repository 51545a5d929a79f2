import { workerData } from "node:worker_threads";
import { yieldProcessor } from "./background.js";
import type { MergerData } from "./segment-merger.js";
import { askOver, mergedBy } from "./segment-merging.js";

const { children, isBackground, ...line } = workerData as MergerData;
if (isBackground) yieldProcessor();
line.port.postMessage(mergedBy(children, askOver(line)));
line.port.close();
