import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaced } from "../../src/audit/calls.js";
import { AuditError } from "../../src/audit/errors.js";
import { openCheckpoint, parseVerifierKey } from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { watchLog, type WatchFlags } from "../../src/cli/watch.js";
import { keyringOfSeed } from "../../src/keys/keyring.js";
import { logMessages, messages, openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { recordedOutput } from "./recorded-output.js";
import { ended } from "./verifiers.js";

const LOGS = [{ log: "default", format: "rfc6962" } as const, { log: "pangea", format: "pangea" } as const];
const SIZE = 3;

let honest: TestGateway;
/** Other histories under the same key: what whoever runs the log can make of it. */
const forged = new Map<number, TestGateway>();
let key: string;
let folder: string;
let state: string;
beforeAll(async () => {
  honest = await testGateway(await openTestService({ logs: LOGS }));
  for (const { log } of LOGS) await logMessages(honest.service, SIZE, log);
  for (const size of [SIZE - 1, SIZE, SIZE + 2]) {
    const service = await openTestService({ logs: LOGS });
    await service.append({ log: "default", events: messages(size, "forged"), sign: false, path: "events" });
    forged.set(size, await testGateway(service));
  }
  key = (await honest.service.identity("default")).verifierKey;
});
afterAll(async () => {
  for (const gateway of [honest, ...forged.values()]) await gateway.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "auditql-watch-"));
  state = join(folder, "default.checkpoint");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function watched({ url }: Pick<TestGateway, "url">, more: Partial<WatchFlags> = {}) {
  const recorded = recordedOutput();
  const flags = { url: `${url}/graphql`, key, state, ...more };
  const code = await watchLog(flags, undefined, recorded.output);
  return { code, out: recorded.written(), note: recorded.notes() };
}

test.each(LOGS)(
  "remembers the root of a $format log that it is shown first, and says whether the next extends it",
  async ({ log }) => {
    const flags = { log, key: (await honest.service.identity(log)).verifierKey };
    const says = (code: number, out: RegExp) => ({ code, out: expect.stringMatching(out) as unknown });
    expect(await watched(honest, flags)).toMatchObject(says(0, /^first look: /));
    expect(await watched(honest, flags)).toMatchObject(says(0, /^unchanged: /));
    await logMessages(honest.service, 2, log);
    expect(await watched(honest, flags)).toMatchObject(
      says(0, new RegExp(`^extended: .*\n${SIZE + 2} [0-9a-f]{64}\n$`)),
    );
    expect(readFileSync(state, "utf8")).toBe((await honest.service.root(log)).checkpoint);
  },
);

describe("of a log that its own key forges, it says", () => {
  test.each([
    [SIZE - 1, "truncated"],
    [SIZE, "split-view"],
    [SIZE + 2, "rewritten"],
  ])("with %i entries in place of 3: %s; shows both signed roots, and remembers the old one", async (size, kind) => {
    const three = await testGateway(await openTestService());
    await logMessages(three.service, SIZE);
    await watched(three);
    const remembered = readFileSync(state, "utf8");
    const gateway = forged.get(size) ?? honest;
    const { code, out } = await watched(gateway);
    expect([code, out.startsWith(`${kind}: `)]).toEqual([1, true]);
    expect(readFileSync(state, "utf8")).toBe(remembered);
    const verifier = parseVerifierKey(key, nobleEd25519);
    for (const checkpoint of [remembered, (await gateway.service.root("default")).checkpoint]) {
      expect(out).toContain(`\n${checkpoint}`);
      expect(verifier && openCheckpoint(checkpoint, verifier).kind).toBe("opened");
    }
    // Still so when the thief looks away: the honest log is what it was.
    expect((await watched(three)).code).toBe(0);
    await three.close();
  });

  test("that another key signed: unsigned, also at the first look, which remembers nothing", async () => {
    const other = await testGateway(await openTestService({ keyring: keyringOfSeed(new Uint8Array(32).fill(9)) }));
    await logMessages(other.service, 1);
    expect(await watched(other)).toMatchObject({ code: 1, out: expect.stringMatching(/^unsigned: /) as unknown });
    expect(() => readFileSync(state)).toThrow("ENOENT");
    await other.close();
  });

  test("that nobody signed: unsigned, and nothing of its text can rewrite a terminal", async () => {
    const root = { ...(await honest.service.root("default")), checkpoint: "\u001b[2Jdefault\n" };
    const lying = await testGateway(
      replaced(honest.service, { root: () => Promise.resolve(root), close: () => Promise.resolve() }),
    );
    const { code, out } = await watched(lying);
    expect([code, out]).toEqual([1, expect.stringMatching(/^unsigned: .*\n\n\ufffd\[2Jdefault\n$/)]);
    await lying.close();
  });

  test.each(["ROOT_CONFLICT", "LOG_CORRUPT"] as const)("what the gateway says itself: %s", async (code) => {
    const service = await openTestService();
    const root = () => Promise.reject(new AuditError(code, "The log is broken."));
    const broken = await testGateway(replaced(service, { root }));
    expect(await watched(broken)).toMatchObject({
      code: 1,
      out: expect.stringContaining("The log is broken.") as unknown,
    });
    await broken.close();
  });
});

test("exits 2 where nothing can be said of the log", async () => {
  const { url } = honest;
  writeFileSync(state, "somebody wrote here\n");
  for (const [flags, reason] of [
    [{}, "holds no root that the key signed"],
    [{ state: join(folder, "none"), key: "key" }, "--key: expected a verifier key"],
    [{ state: join(folder, "none"), log: "nope" }, 'There is no log "nope"'],
    [{ state: join(folder, "none", "none") }, "ENOENT"],
    [{ state: join(folder, "none"), url: "http://127.0.0.1:1/graphql" }, "cannot be reached"],
  ] as const) {
    const { code, out, note } = await watched({ url }, flags);
    expect([code, out, note]).toEqual([2, "", expect.stringMatching(/^cannot watch: [^\n]*$/)]);
    expect(note).toContain(reason);
  }
});

test("as a program: one line of JSON, and the exit code", async () => {
  const gateway = forged.get(SIZE);
  const args = ["--key", key, "--state", state, "--json"];
  const run = (url = "") => ended([process.execPath, MAIN, "watch", "--url", `${url}/graphql`, ...args]);
  const first = await run(gateway?.url);
  expect([first.status, JSON.parse(first.stdout)]).toMatchObject([0, { kind: "first", newest: { treeSize: SIZE } }]);
  const { status, stdout } = await run(forged.get(SIZE - 1)?.url);
  expect([status, JSON.parse(stdout)]).toMatchObject([1, { kind: "truncated", seen: { treeSize: SIZE } }]);
});
