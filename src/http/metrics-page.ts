import type { IncomingMessage } from "node:http";
import type { MetricsPolicy } from "../access/metrics-policy.js";
import { holdsAny } from "../audit/principal.js";
import type { Metrics } from "../operations/metrics.js";
import type { Admit } from "./admission.js";
import { HttpError, type Answer } from "./answer.js";

export interface MetricsPageOptions {
  readonly metrics: Metrics;
  readonly metricsPolicy: MetricsPolicy;
  readonly admit: Admit;
}

/** Rejects with HttpError 401, 403 or 503. */
export async function metricsPage(request: IncomingMessage, options: MetricsPageOptions): Promise<Answer> {
  const { metrics, metricsPolicy, admit } = options;
  if (metricsPolicy === "admin") {
    const { principal } = await admit(request);
    if (!holdsAny(principal, ["audit:admin"])) throw new HttpError(403, "the credential lacks the scope audit:admin");
  }
  return { status: 200, headers: { "content-type": metrics.contentType }, body: await metrics.text() };
}
