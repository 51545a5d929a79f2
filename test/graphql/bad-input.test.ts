import { openTestService } from "../engine/test-log.js";
import { badInputContract } from "./bad-input-contract.js";
import { testGateway } from "./gateway.js";

badInputContract(async () => {
  const gateway = await testGateway(await openTestService());
  return { gateway, close: () => gateway.close() };
});
