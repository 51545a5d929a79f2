import { parentPort, workerData } from "node:worker_threads";
import type { MakerCall } from "./segment-maker.js";
import { replyBuffers, SegmentMaking } from "./segment-making.js";

const making = new SegmentMaking(Number(workerData));
parentPort?.on("message", (call: MakerCall) => {
  const reply = making.reply(call);
  parentPort?.postMessage(reply, replyBuffers(reply));
});
