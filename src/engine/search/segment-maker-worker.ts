import { parentPort, workerData } from "node:worker_threads";
import { yieldProcessor } from "./background.js";
import type { MakerCall, MakerData } from "./segment-maker.js";
import { replyBuffers, SegmentMaking } from "./segment-making.js";

const { mostOccurrences, isBackground } = workerData as MakerData;
if (isBackground) yieldProcessor();
const making = new SegmentMaking(mostOccurrences);
parentPort?.on("message", (call: MakerCall) => {
  const reply = making.reply(call);
  parentPort?.postMessage(reply, replyBuffers(reply));
});
