import { receiveMessageOnPort, workerData } from "node:worker_threads";
import type { MergerCall, MergerData, MergerReply } from "./segment-merger.js";
import { mergedBy } from "./segment-merging.js";

const { children, port, signal } = workerData as MergerData;

/** Stands still until the other side has answered: a merge is one computation over blocks that are read when it comes to them. */
function asked(call: MergerCall): MergerReply {
  port.postMessage(call, call.kind === "stage" ? [call.blocks.bytes.buffer] : []);
  for (;;) {
    const received: { readonly message: MergerReply } | undefined = receiveMessageOnPort(port);
    if (received !== undefined) return received.message;
    Atomics.wait(signal, 0, 0);
    Atomics.store(signal, 0, 0);
  }
}

port.postMessage(mergedBy(children, asked));
port.close();
