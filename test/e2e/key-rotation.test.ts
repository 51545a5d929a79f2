import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { chmodSync, renameSync } from "node:fs";
import { join } from "node:path";
import { ended, HAS_PYTHON, VERIFIERS } from "../cli/verifiers.js";
import {
  gatewayFolder,
  graphqlData,
  graphqlRequest,
  MAIN,
  removeFolder,
  startGateway,
  type GatewayProcess,
} from "../gateway.js";

// Each step starts a gateway or a verifier, slowly on a busy machine.
jest.setTimeout(600_000);

const LOG = /* GraphQL */ `
  mutation Log($key: String!) {
    log(event: { message: "m" }, idempotencyKey: $key) {
      entry {
        leafIndex
      }
      root {
        treeSize
        checkpoint
        publicKey
      }
    }
  }
`;

interface Logged {
  readonly log: {
    readonly entry: { readonly leafIndex: number };
    readonly root: { readonly treeSize: number; readonly checkpoint: string; readonly publicKey: string };
  };
}

const HAND_OVER = /* GraphQL */ `
  {
    search(query: "action:key.hand-over") {
      nodes {
        leafIndex
        event {
          actor
          target
          old
          new
        }
        verification {
          signature {
            status
          }
          membership {
            status
          }
          consistency {
            status
          }
        }
      }
    }
  }
`;

const folder = gatewayFolder();
const [newKey, oldKey] = [join(folder, "auditql.key"), join(folder, "old.key")];
let gateway: GatewayProcess;
/** Verifier keys, as an auditor was given them. */
let before: string;
let after: string;
/** What the auditor saved before. */
let oldEvidence: string;

const start = async (env: Readonly<Record<string, string>>) => (gateway = await startGateway({ folder, env }));
const logged = async (key: string) => (await graphqlData<Logged>(gateway.url, LOG, { key })).log;
const signatures = (checkpoint: string): number =>
  checkpoint.split("\n").filter((line) => line.startsWith("— ")).length;

const save = (key: string, ...args: readonly string[]) =>
  ended([process.execPath, MAIN, "save", "--url", `${gateway.url}/graphql`, "--key", key, ...args]);

/** The exit code of each verifier. */
async function verdicts(evidence: string, key: string): Promise<readonly (number | null)[]> {
  const runs = VERIFIERS.filter(({ isHere }) => isHere).map(({ command }) =>
    ended([...command, "-", "--key", key], [evidence]),
  );
  return (await Promise.all(runs)).map(({ status }) => status);
}

const ALL = (code: number) => VERIFIERS.filter(({ isHere }) => isHere).map(() => code);

/** A log under its first key, then handed over to a new one. */
beforeAll(async () => {
  if (!HAS_PYTHON && process.env["CI"] === "true") throw new Error("python3 with cryptography must be installed");
  await start({});
  await logged("first");
  before = (await logged("second")).root.publicKey;
  oldEvidence = (await save(before)).stdout;
  await gateway.stop();
  renameSync(newKey, oldKey);
  await start({ AUDITQL_PREVIOUS_KEYS: oldKey });
  after = (await logged("third")).root.publicKey;
});

afterAll(async () => {
  await gateway.stop();
  removeFolder(folder);
});

test("a new key says in the log, once, that it has it from the old one, under a root that both signed", async () => {
  expect(after).not.toBe(before);
  await gateway.stop();
  await start({ AUDITQL_PREVIOUS_KEYS: oldKey });
  const valid = { status: "VALID" };
  expect(await graphqlData(gateway.url, HAND_OVER)).toEqual({
    search: {
      nodes: [
        {
          leafIndex: 2,
          event: { actor: "auditql", target: "default", old: before, new: after },
          verification: { signature: valid, membership: valid, consistency: valid },
        },
      ],
    },
  });
});

test("during the hand-over every root verifies under either key, with both verifiers", async () => {
  const { checkpoint, treeSize } = (await logged("third")).root;
  expect([signatures(checkpoint), treeSize]).toEqual([2, 4]);
  for (const key of [before, after]) {
    const { status, stdout } = await save(key, "--from-size", "2");
    expect([key, status, await verdicts(stdout, key)]).toEqual([key, 0, ALL(0)]);
    expect(stdout).toContain("key.hand-over");
  }
});

test("what the old key alone signed holds under it, as before, and not under the new one", async () => {
  expect(await verdicts(oldEvidence, before)).toEqual(ALL(0));
  expect(await verdicts(oldEvidence, after)).toEqual(ALL(1));
});

test("a request from before the hand-over is still known by its idempotency key", async () => {
  expect((await logged("first")).entry.leafIndex).toBe(0);
});

test("fsck finds nothing, with both keys", async () => {
  await gateway.stop();
  const flags = ["--store", `sqlite:${join(folder, "audit.db")}`, "--key-file", newKey, "--previous-keys", oldKey];
  const { status, stdout } = await ended([
    process.execPath,
    MAIN,
    "fsck",
    "--full",
    ...flags,
    "--mark-file",
    join(folder, "mark.json"),
  ]);
  expect([status, stdout]).toEqual([0, ""]);
});

test("after the hand-over the new key signs alone, and goes on from the same log", async () => {
  await start({ AUDITQL_PREVIOUS_KEYS: oldKey, AUDITQL_HAND_OVER: "off" });
  const { root, entry } = await logged("fourth");
  expect([entry.leafIndex, signatures(root.checkpoint), root.publicKey]).toEqual([4, 1, after]);
  expect((await logged("first")).entry.leafIndex).toBe(0);
  const refused = await save(before);
  expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining("is not that of the log")]);
  const { stdout } = await save(after, "--from-size", "2");
  expect(await verdicts(stdout, after)).toEqual(ALL(0));
  expect(await verdicts(stdout, before)).toEqual(ALL(1));
  await gateway.stop();
  // The head has the new key's signature alone.
  await start({});
  expect((await logged("fifth")).entry.leafIndex).toBe(5);
});

test("a key that had no part in the log is not one to go on with", async () => {
  await gateway.stop();
  await start({ AUDITQL_KEY_FILE: join(folder, "stranger.key") });
  const { errors } = await graphqlRequest(gateway.url, LOG, { key: "sixth" });
  expect(errors[0]?.extensions).toMatchObject({ code: "LOG_CORRUPT" });
});

test("a previous key that is not there, or is the key itself, is one sentence at the start", async () => {
  await gateway.stop();
  const failure = (keys: string) =>
    startGateway({ folder, env: { AUDITQL_PREVIOUS_KEYS: keys } }).then(() => "it started", String);
  expect(await failure(join(folder, "nowhere.key"))).toContain("There is no previous key at");
  expect(await failure(newKey)).toContain("name each key once");
  chmodSync(oldKey, 0o644);
  expect(await failure(oldKey)).toContain("has mode 0644");
  await start({});
});
