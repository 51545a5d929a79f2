import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { COMPILE_AT_HIT } from "../../src/graphql/compiled-execution.js";
import { openGateway } from "../../src/http/gateway.js";
import { noOpService } from "./no-op-service.js";

/** A run of this file serves the gateway over a service that does nothing. */
const gateway = await openGateway({
  host: "127.0.0.1",
  port: 0,
  service: noOpService,
  logger: pino({ level: "silent" }),
  compileAtHit: COMPILE_AT_HIT,
  graphiqlFolder: fileURLToPath(new URL("../../graphiql", import.meta.url)),
});
process.stdout.write(`${gateway.url}/graphql\n`);
process.once("SIGTERM", () => {
  void gateway.close(1_000);
});
