import { openTestService } from "../engine/test-log.js";
import { testGateway } from "./gateway.js";
import { repeatedRequestsContract } from "./repeated-requests-contract.js";

repeatedRequestsContract(async () => {
  const gateway = await testGateway(await openTestService());
  return { gateway, close: () => gateway.close() };
});
