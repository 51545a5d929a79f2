import type { FastifyInstance } from "fastify";
import type { MetricsPolicy } from "../../access/metrics-policy.js";
import { AuditError } from "../../audit/errors.js";
import { holdsAny } from "../../audit/principal.js";
import type { Metrics } from "../../operations/metrics.js";
import { becameKnown, type Admit } from "../admission.js";
import { jsonAnswer, send } from "../answer.js";
import type { Readiness } from "../server.js";

export interface OperationsDoorOptions {
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly metricsPolicy: MetricsPolicy;
  readonly admit: Admit;
  /** How long a client may leave sent data unread. */
  readonly slowMs: number;
}

const METHODS = ["GET", "HEAD"];

/** What a gateway reports to its operators: that it is up, whether it is ready, and its metrics. */
export function operationsDoor(app: FastifyInstance, options: OperationsDoorOptions): void {
  const { readiness, metrics, metricsPolicy, admit, slowMs } = options;
  app.route({
    ...{ method: METHODS, url: "/healthz" },
    handler: (_request, reply) => send(reply, jsonAnswer(200, { status: "up" }), slowMs),
  });
  app.route({
    ...{ method: METHODS, url: "/readyz" },
    handler: async (_request, reply) => send(reply, await readiness.answer(), slowMs),
  });
  app.route({
    ...{ method: METHODS, url: "/metrics" },
    handler: async (request, reply) => {
      if (metricsPolicy === "admin") {
        const { principal } = await admit(request.headers);
        becameKnown(request, principal.id);
        if (!holdsAny(principal, ["audit:metrics"]))
          throw new AuditError("FORBIDDEN", "the credential lacks the scope audit:metrics: use one that has it");
      }
      const type = { "content-type": metrics.contentType };
      return send(reply, { status: 200, headers: type, body: await metrics.text() }, slowMs);
    },
  });
}
