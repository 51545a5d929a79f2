import { AuditError } from "../../../src/audit/errors.js";
import { PangeaWire } from "../../../src/backends/pangea/wire.js";

/** Logs so many events at a service, one after the other, and prints what became of each. A program, because only one may trust a key of its own. */
const [, , baseUrl = "", count = "1"] = process.argv;
const wire = new PangeaWire({ baseUrl, token: "pts_x", pauseMs: 1 });
const outcomes: (string | undefined)[] = [];
for (let i = 0; i < Number(count); i++) {
  const call = wire.call("/v1/log", { event: { message: `event ${i}` } }, { isWrite: true });
  outcomes.push(
    await call.then(
      () => "logged",
      (error: unknown) => (error instanceof AuditError ? error.outcome : String(error)),
    ),
  );
}
await wire.close();
console.log(JSON.stringify(outcomes));
