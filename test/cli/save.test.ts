import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { type GatewayProcess, gatewayFolder, graphqlData, MAIN, removeFolder, startGateway } from "../gateway.js";
import { ended, HAS_PYTHON, VERIFIERS, verified, type Ended } from "./verifiers.js";

// Each test waits for several processes, which a busy machine starts slowly.
jest.setTimeout(600_000);

const START_MS = 60_000;

const LOG = /* GraphQL */ `
  mutation Log($log: ID, $message: AuditEventValue!) {
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

/** Logs an event, and returns the log's key. */
async function logged(url: string, message: string, log = "default"): Promise<string> {
  return (await graphqlData<Logged>(url, LOG, { log, message })).log.root.publicKey;
}

function save(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return ended([process.execPath, MAIN, "save", ...args], [], env);
}

const messages = (evidence: string): readonly string[] =>
  [...evidence.matchAll(/\\"message\\":\\"([^\\]*)/g)].map(([, message = ""]) => message);

describe("auditql save", () => {
  const folder = gatewayFolder();
  const out = join(folder, "evidence.ndjson");
  let [api, key] = ["", ""];
  let gateway: GatewayProcess;
  beforeAll(async () => {
    gateway = await startGateway({ folder, env: { AUDITQL_LOGS: "payments:pangea" } });
    api = `${gateway.url}/graphql`;
    for (const message of ["first", "second", "third"]) key = await logged(gateway.url, message);
  }, START_MS);
  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  test("saves every entry that a search finds, oldest first, and the proof from an older root", async () => {
    const { status, stderr } = await save(["--key", key, "--url", api, "--from-size", "2", "--out", out]);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^saved 3 entries of 3[^]*\n3 [0-9a-f]{64}\n$/)]);
    const evidence = await readFile(out, "utf8");
    expect(messages(evidence)).toEqual(["first", "second", "third"]);
    expect(await verified(evidence, { key })).toMatchObject({
      code: 0,
      lines: expect.arrayContaining(["roots[0] checkpoint VALID", "roots[0] consistency VALID"]) as unknown,
    });
    const found = await save(["--key", key, "--url", api, "--query", "second"]);
    expect([found.status, messages(found.stdout)]).toEqual([0, ["second"]]);
  });

  test("saves the result of a search made before", async () => {
    const query = `{ search(query: "third", first: 0) { resultId } }`;
    const { search } = await graphqlData<{ readonly search: { readonly resultId: string } }>(gateway.url, query);
    const { stdout } = await save(["--key", key, "--url", api, "--result", search.resultId]);
    expect(messages(stdout)).toEqual(["third"]);
  });

  test("saves another log than the default, under its own key alone", async () => {
    const paymentsKey = await logged(gateway.url, "a payment", "payments");
    const { stdout } = await save(["--key", paymentsKey, "--url", api, "--log", "payments"]);
    expect(messages(stdout)).toEqual(["a payment"]);
    expect((await verified(stdout, { key: paymentsKey })).code).toBe(0);
    expect((await verified(stdout, { key })).code).toBe(1);
    expect(await save(["--key", key, "--url", api, "--log", "payments"])).toMatchObject({
      ...{ status: 2, stdout: "" },
      stderr: expect.stringContaining(`not that of the log "payments"`) as unknown,
    });
  });

  test("what it saved of a forged log with the same name holds under no key but the forger's", async () => {
    const forgery = gatewayFolder();
    const forger = await startGateway({ folder: forgery });
    const forgedKey = await logged(forger.url, "nothing happened");
    const { stdout } = await save(["--key", forgedKey, "--url", `${forger.url}/graphql`]);
    await forger.stop();
    removeFolder(forgery);
    for (const { command, isHere } of VERIFIERS.filter(({ isHere }) => isHere || HAS_PYTHON)) {
      expect(isHere).toBe(true);
      expect((await ended([...command, "-", "--key", key], [stdout])).status).toBe(1);
      const { status, stderr } = await ended([...command, "-"], [stdout]);
      expect([status, stderr]).toEqual([3, expect.stringContaining(`The key inside the file is ${forgedKey}`)]);
    }
  });

  test("says in one sentence why it saved nothing, exits 2, and leaves no file", async () => {
    const cut = join(folder, "cut.ndjson");
    for (const [args, reason] of [
      [["--key", key, "--url", api, "--log", "nope"], 'There is no log "nope"'],
      [["--key", key, "--url", api, "--from-size", "99"], "it has no tree of size 99 yet"],
      [["--key", key, "--url", api, "--from-size", "0"], "--from-size: expected a number of entries from 1"],
      [["--key", key, "--url", `${gateway.url}/`], "is no GraphQL API: give --url such as"],
      [["--key", key, "--url", "localhost:4000"], "--url: expected an address"],
      [["--key", "key", "--url", api], "--key: expected a verifier key"],
      [["--key", key, "--url", api, "--token-file", join(folder, "none")], "ENOENT"],
    ] as const) {
      const { status, stdout, stderr } = await save([...args, "--out", cut]);
      expect([status, stdout, stderr]).toEqual([2, "", expect.stringMatching(/^cannot save: [^\n]*\n$/)]);
      expect(stderr).toContain(reason);
    }
    expect([existsSync(cut), existsSync(`${cut}.part`)]).toEqual([false, false]);
  });

  test("waits for a gateway that is busy, and names one that is not there, and one that breaks off", async () => {
    let busy = 2;
    const root = { log: "default", treeSize: 1, hash: "00", checkpoint: "c", publicKey: key };
    const server = createServer((request, response) => {
      if (request.url === "/download" && busy-- > 0) {
        response.writeHead(503, { "retry-after": "0" }).end("busy");
        return;
      }
      if (request.url === "/download") {
        response.writeHead(200).write(`{"roots":[{"checkpoint":"c"}],"entries":"lines"}\n{"leafIndex":0}\n`, () => {
          response.destroy();
        });
        return;
      }
      request.resume().on("end", () => {
        const data = { pinned: { resultId: "1", root }, downloadResults: { url: "/download" } };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const args = ["--key", key, "--url", `http://127.0.0.1:${port}/graphql`, "--out", join(folder, "cut.ndjson")];
    const broken = await save(args);
    expect([broken.status, broken.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^(?:trying again in [01](?:\.5)? s: the gateway is busy\n){2}cannot save: the download broke off/,
      ),
    ]);
    await new Promise((resolve) => server.close(resolve));
    const gone = await save(args);
    expect([gone.status, gone.stderr]).toEqual([
      2,
      `cannot save: http://127.0.0.1:${port} cannot be reached: ECONNREFUSED\n`,
    ]);
    expect([existsSync(join(folder, "cut.ndjson")), existsSync(join(folder, "cut.ndjson.part"))]).toEqual([
      false,
      false,
    ]);
  });

  test.each([
    [["--key", "key", "--lgo", "payments"], "unknown option '--lgo'"],
    [[], "required option '--key <key>' not specified"],
    [["--key", "key", "--result", "1", "--log", "payments"], "cannot be used with option '--log <name>'"],
  ])("started with %j exits 2 and says what is wrong", async (args, problem) => {
    expect(await save(args)).toMatchObject({ status: 2, stderr: expect.stringContaining(problem) as unknown });
  });
});

test(
  "auditql save takes the credential that a gateway asks for, from a file or the environment",
  async () => {
    const folder = gatewayFolder();
    const [keys, tokenFile] = [join(folder, "keys.json"), join(folder, "token")];
    const { text: token } = await createKey(keys, { name: "auditor", scopes: ["audit:read"] }, new Date());
    await writeFile(tokenFile, `${token}\n`);
    const gateway = await startGateway({ folder, env: { AUDITQL_API_KEYS: keys } });
    const asked = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: "{ root { publicKey } }" }),
    });
    const { data } = (await asked.json()) as { readonly data: Logged["log"] };
    const args = ["--key", data.root.publicKey, "--url", `${gateway.url}/graphql`];
    const [without, wrong] = await Promise.all([save(args), save(args, { AUDITQL_TOKEN: "wrong" })]);
    // One after the other: a gateway has few downloads at once for one credential.
    const fromFile = await save([...args, "--token-file", tokenFile]);
    const fromEnvironment = await save(args, { AUDITQL_TOKEN: token });
    const fromNamedFile = await save(args, { AUDITQL_TOKEN_FILE: tokenFile });
    await gateway.stop();
    removeFolder(folder);
    expect([without.status, without.stderr]).toEqual([2, expect.stringMatching(/^cannot save: .*AUDITQL_TOKEN.*\n$/)]);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/^cannot save: [^\n]+\n$/)]);
    expect([fromFile.status, fromEnvironment.status, fromNamedFile.status]).toEqual([0, 0, 0]);
    expect((await verified(fromFile.stdout, { key: data.root.publicKey })).code).toBe(0);
  },
  START_MS,
);
