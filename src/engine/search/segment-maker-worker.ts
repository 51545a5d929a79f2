import { parentPort, workerData } from "node:worker_threads";
import type { MakerCall, MakerData } from "./segment-maker.js";
import { replyBuffers, SegmentMaking } from "./segment-making.js";
import { goLast } from "./thread-priority.js";

const { mostOccurrences, isAwaited } = workerData as MakerData;
if (!isAwaited) goLast();
const making = new SegmentMaking(mostOccurrences);
parentPort?.on("message", (call: MakerCall) => {
  const reply = making.reply(call);
  parentPort?.postMessage(reply, replyBuffers(reply));
});
