import { parentPort, workerData } from "node:worker_threads";

/** Replies with what it was asked and what it is, and ends when it is asked to. */
parentPort?.on("message", (call: { readonly ends?: boolean; readonly fails?: boolean; readonly text: string }) => {
  if (call.fails === true) throw new Error(`${call.text} failed`);
  if (call.ends === true) process.exit(0);
  parentPort?.postMessage({ text: call.text, workerData: workerData as unknown });
});
