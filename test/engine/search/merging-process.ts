import { testGateway } from "../../graphql/gateway.js";
import { openMergingGateway } from "./merging-gateway.js";

/** Usage: merging-process.js STORE [STEP TIMES]: a gateway over HTTP that stands still at the TIMES-th time of a step of a large merge, and says so. */
const [, , url = "", step, times = "1"] = process.argv;
let left = Number(times);

const { service } = await openMergingGateway(url, async (at) => {
  if (at !== step || --left > 0) return;
  process.stdout.write(`at ${at}\n`);
  await new Promise(() => undefined);
});
const gateway = await testGateway(service);
process.stdout.write(`url ${gateway.url}\n`);
