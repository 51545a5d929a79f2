import { describe } from "@jest/globals";
import { auditServiceContract } from "./service-contract.js";
import { openTestService } from "./test-log.js";

describe("the local service over the memory store", () => {
  auditServiceContract(() => openTestService());
});

describe("the local service over the memory store, in the pangea format", () => {
  auditServiceContract(() => openTestService({ logs: [{ log: "default", format: "pangea" }] }));
});
