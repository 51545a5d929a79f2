import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type GatewayProcess, gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";

const SAVE = fileURLToPath(new URL("../../examples/evidence/save.js", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const START_MS = 60_000;

const LOG = /* GraphQL */ `
  mutation Log($log: ID, $message: JSON!) {
    log(log: $log, event: { message: $message }) {
      root {
        publicKey
      }
    }
  }
`;

interface Logged {
  readonly log: { readonly root: { readonly publicKey: string } };
}

interface Evidence {
  readonly entries: readonly { readonly canonical: string }[];
}

const save = (...args: readonly string[]) => spawnSync(process.execPath, [SAVE, ...args], { encoding: "utf8" });

describe("the program that saves evidence", () => {
  const folder = gatewayFolder();
  let gateway: GatewayProcess;
  beforeAll(async () => {
    gateway = await startGateway({ folder, env: { AUDITQL_LOGS: "payments:pangea" } });
  }, START_MS);
  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  test("saves another log than the default, and that is what the verifier finds valid", async () => {
    await graphqlData(gateway.url, LOG, { message: "in the default log" });
    const { log } = await graphqlData<Logged>(gateway.url, LOG, { log: "payments", message: "a payment" });
    const args = [log.root.publicKey, "--url", `${gateway.url}/graphql`, "--log", "payments", "--format", "pangea"];
    const { status, stdout } = save(...args);
    expect(status).toBe(0);
    const { entries } = JSON.parse(stdout) as Evidence;
    expect(entries.map(({ canonical }) => canonical)).toEqual([expect.stringContaining("a payment")]);
    const verdict = spawnSync(process.execPath, [MAIN, "verify", "-"], { input: stdout, encoding: "utf8" });
    expect(verdict).toMatchObject({ status: 0, stdout: expect.stringContaining("checkpoint VALID") as unknown });
  });

  test.each([
    [["key", "--lgo", "payments"], "Unknown option '--lgo'"],
    [["key", "--log"], "Option '--log <value>' argument missing"],
    [[], "Give the log's key, as you got it over a way you trust."],
    [["key", "payments"], "Give one key: payments is too much."],
  ])("started with %j saves nothing and says what is wrong, and what would be right", (args, problem) => {
    const { status, stdout, stderr } = save(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(problem);
    expect(stderr).toContain("--log NAME");
    expect(stderr).not.toContain("    at ");
  });
});
