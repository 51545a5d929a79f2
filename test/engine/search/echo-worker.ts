import { parentPort, workerData } from "node:worker_threads";

interface Call {
  readonly ends?: boolean;
  readonly fails?: boolean;
  readonly isSilent?: boolean;
  readonly text: string;
}

/** Replies with what it was asked and what it is, unless it is to say nothing, and ends when it is asked to. */
parentPort?.on("message", (call: Call) => {
  if (call.fails === true) throw new Error(`${call.text} failed`);
  if (call.ends === true) process.exit(0);
  if (call.isSilent !== true) parentPort?.postMessage({ text: call.text, workerData: workerData as unknown });
});
