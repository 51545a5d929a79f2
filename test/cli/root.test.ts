import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { replaced } from "../../src/audit/calls.js";
import { showRoot, type RootFlags } from "../../src/cli/root.js";
import { keyringOfSeed } from "../../src/keys/keyring.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { recordedOutput } from "./recorded-output.js";
import { ended } from "./verifiers.js";

const LOGS = [{ log: "default", format: "rfc6962" } as const, { log: "pangea", format: "pangea" } as const];
const SIZE = 3;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService({ logs: LOGS }));
  for (const { log } of LOGS) await logMessages(gateway.service, SIZE, log);
});
afterAll(async () => {
  await gateway.close();
});

async function shown(more: Partial<RootFlags> = {}, { url }: Pick<TestGateway, "url"> = gateway) {
  const recorded = recordedOutput();
  const flags = { url: `${url}/graphql`, ...more };
  const code = await showRoot(flags, { token: undefined, output: recorded.output });
  return { code, out: recorded.written(), note: recorded.notes() };
}

const keyOf = async (log = "default") => (await gateway.service.identity(log)).verifierKey;

describe.each(LOGS)("of a $format log", ({ log }) => {
  test("shows the newest root as the log signed it, and that nothing was verified without a key", async () => {
    const { hash, checkpoint } = await gateway.service.root(log);
    const { code, out, note } = await shown({ log });
    expect([code, note]).toEqual([0, "nothing was verified: give the log's key, --key KEY"]);
    expect(out).toMatch(/^size {2}3\nhash {2}[0-9a-f]{64}\ntime {2}\d{4}-\S*Z\n\n/);
    expect(out).toContain(`hash  ${hash}\n`);
    expect(out.endsWith(`\n\n${checkpoint}`)).toBe(true);
  });

  test("verifies it under the key, and not under that of another log", async () => {
    const key = await keyOf(log);
    expect(await shown({ log, key })).toMatchObject({ code: 0, note: `verified: ${key} signed this size and hash` });
    const other = await keyOf(log === "default" ? "pangea" : "default");
    const { code, out, note } = await shown({ log, key: other, json: true });
    expect([code, note]).toEqual([1, expect.stringMatching(/^NOT VERIFIED: UNKNOWN_KEY: /)]);
    expect(JSON.parse(out)).toMatchObject({ treeSize: SIZE, verdict: "INVALID", reason: "UNKNOWN_KEY" });
  });
});

test("does not verify a root of which the checkpoint says something else", async () => {
  const { service } = gateway;
  const key = await keyOf();
  const [older, newest] = [await service.root("default", SIZE - 1), await service.root("default")];
  for (const change of [{ treeSize: SIZE + 1 }, { hash: older.hash }, { checkpoint: older.checkpoint }]) {
    const lying = await testGateway(
      replaced(service, { root: () => Promise.resolve({ ...newest, ...change }), close: () => Promise.resolve() }),
    );
    expect(await shown({ key }, lying)).toMatchObject({
      code: 1,
      note: expect.stringMatching(/^NOT VERIFIED: CHECKPOINT_MISMATCH: /) as unknown,
    });
    await lying.close();
  }
});

test("shows on a terminal nothing of an answer that could rewrite it", async () => {
  const { service } = gateway;
  const root = { ...(await service.root("default")), checkpoint: "\u001b[2Jdefault\n\u009b1A\n" };
  const lying = await testGateway(
    replaced(service, { root: () => Promise.resolve(root), close: () => Promise.resolve() }),
  );
  const { code, out } = await shown({ key: await keyOf() }, lying);
  expect([code, out.split("\n").slice(-3)]).toEqual([1, ["\ufffd[2Jdefault", "\ufffd1A", ""]]);
  await lying.close();
});

test("exits 2 where it cannot be found out", async () => {
  for (const [flags, reason] of [
    [{ key: "nonsense" }, "--key: expected a verifier key"],
    [{ log: "nope" }, 'There is no log "nope"'],
    [{ url: "http://127.0.0.1:1/graphql" }, "cannot be reached"],
  ] as const) {
    const { code, out, note } = await shown(flags);
    expect([code, out, note]).toEqual([2, "", expect.stringMatching(/^cannot show the root: [^\n]*$/)]);
    expect(note).toContain(reason);
  }
});

test("as a program: one line of JSON, and the exit code", async () => {
  const other = await testGateway(await openTestService({ keyring: keyringOfSeed(new Uint8Array(32).fill(9)) }));
  const run = async ({ url }: TestGateway) =>
    ended([process.execPath, MAIN, "root", "--url", `${url}/graphql`, "--key", await keyOf(), "--json"]);
  const { status, stdout } = await run(gateway);
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { treeSize: SIZE, verdict: "VALID" }]);
  expect((await run(other)).status).toBe(1);
  await other.close();
});
