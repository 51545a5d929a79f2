import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testWithout } from "../../audit/contract-test.js";
import { badInputContract } from "../../graphql/bad-input-contract.js";
import { frontEndContract } from "../../graphql/front-end-contract.js";
import { testGateway, type OpenGateway, type TestGateway } from "../../graphql/gateway.js";
import { repeatedRequestsContract } from "../../graphql/repeated-requests-contract.js";
import { openBehind, type Behind } from "./circle.js";
import { FAULTS, hiddenFaults, type Fault } from "./fault-plan.js";
import { faultyNetwork, type FaultyNetwork } from "./faulty-network.js";

/** The protocol has no call for any of this (docs/pangea.md). */
const limited = testWithout(
  [
    "fetches a root with the proof that an older one is its prefix",
    "fetches an entry by its place or its hash, with a proof in an older tree",
    "gets null for a place that the log does not have",
    "gets null for a hash that nobody logged",
    "is answered as it was the first time, proofs included",
    "is a CONFLICT with other events",
    "refuses a key that was used for other events",
  ],
  async (body) => {
    const told = await body.then(
      () => "it is supported",
      (error: unknown) => (error instanceof Error ? error.message : ""),
    );
    const message = expect.stringMatching(
      /^The audit service behind this gateway cannot [^.]+\. [A-Z][^.]+\.$/,
    ) as unknown;
    const errors = [expect.objectContaining({ message, extensions: { code: "UNSUPPORTED" } })];
    expect(JSON.parse(told)).toEqual(errors);
  },
);

const SEED = 20;

describe(`a front end of a gateway in front of our own door, over a network whose faults it hides (seed ${SEED})`, () => {
  let behind: Behind;
  let network: FaultyNetwork;
  let gateway: TestGateway;
  beforeAll(async () => {
    behind = await openBehind();
    network = await faultyNetwork(behind.door.url, hiddenFaults(SEED));
    gateway = await testGateway(behind.front("default", { baseUrl: network.url }));
  });
  afterAll(async () => {
    await gateway.close();
    await network.close();
    await behind.close();
  });

  // The contracts share them: to open a gateway costs more than a test.
  const open: OpenGateway = async () => ({ gateway, close: async () => undefined });
  frontEndContract(open, { format: "pangea", test: limited });
  repeatedRequestsContract(open, limited);
  badInputContract(open, limited);

  test("has logged each event once, however often the network asked for it", async () => {
    const acknowledged = network.writes.filter(({ isSuccess }) => isSuccess).map(({ body }) => eventsIn(body));
    const { treeSize } = await behind.engine.root("default");
    expect([treeSize, network.writes.length > acknowledged.length]).toEqual([
      acknowledged.reduce((sum, count) => sum + count, 0),
      true,
    ]);
  });

  test("has seen every fault that can be hidden, a retry that came twice among them, and declares nothing as unsupported that works", () => {
    const unseen: readonly Fault[] = ["429", "half-after", "html-200-after"];
    expect(FAULTS.filter((fault) => !network.faults.has(fault))).toEqual(unseen);
    expect(network.writes.some(({ fault, isRetry }) => fault === "repeat" && isRetry)).toBe(true);
    expect(limited.unused()).toEqual([]);
  });
});

function eventsIn(body: string): number {
  const { events } = JSON.parse(body) as { readonly events?: readonly unknown[] };
  return events?.length ?? 1;
}
