import { parentPort } from "node:worker_threads";
import { logFormat } from "../../core/format.js";
import { verifyAnswer } from "../../core/segment/verify-answer.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import type { CheckCall, CheckReply } from "./proof-check.js";

parentPort?.on("message", ({ formatName, log, index, question, answer, proof }: CheckCall) => {
  const roots = { log, index, format: logFormat(formatName, nodeSha256), sha256: nodeSha256 };
  const reply: CheckReply = verifyAnswer(roots, question, { answer, proof });
  parentPort?.postMessage(reply);
});
