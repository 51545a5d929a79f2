import { afterEach, describe, expect, test } from "@jest/globals";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildSchema, Kind, parse, printSchema } from "graphql";
import { MAIN } from "../gateway.js";

const HANGING = fileURLToPath(new URL("hanging-engine.js", import.meta.url));

type Process = ChildProcessByStdio<null, Readable, Readable>;

const running = new Set<Process>();

afterEach(() => {
  for (const process of running) process.kill("SIGKILL");
});

function auditql(args: readonly string[], cwd = tmpdir(), env = {}): Process {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** What the process has written when it has written `until`. */
async function written(child: Process, until: string): Promise<string> {
  let output = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    output += chunk.toString();
    if (output.includes(until)) return output;
  }
  throw new Error(`ended without ${until}: ${output}`);
}

async function exit(child: Process): Promise<{ readonly code: number; readonly stderr: string }> {
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit") as Promise<[number]>]);
  return { code, stderr };
}

describe("auditql serve", () => {
  test("warns of a store that others may read, and leaves it as it is", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-serve-"));
    await chmod(folder, 0o755);
    try {
      const child = auditql(
        ["serve", "--port", "0", "--store", "sqlite:audit.db", "--key-file", "key/auditql.key"],
        folder,
      );
      await written(child, "curl");
      child.kill("SIGTERM");
      const { code, stderr } = await exit(child);
      expect(code).toBe(0);
      const warning = stderr.split("\n").filter((line) => line.includes("others on this machine"));
      expect(warning).toHaveLength(1);
      expect(JSON.parse(warning[0] ?? "")).toMatchObject({
        level: 40,
        msg: expect.stringContaining(`${folder} (0755)`),
      });
      expect((await stat(folder)).mode & 0o777).toBe(0o755);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("says where it is and what to paste, and stops on SIGTERM", async () => {
    const child = auditql(["serve", "--port", "0", "--store", "memory:"]);
    const banner = await written(child, "curl");
    const [, url = ""] = /GraphQL {4}(http:\/\/127\.0\.0\.1:\d+\/graphql)/.exec(banner) ?? [];
    const [, body = ""] = /-d '(.*)'/.exec(banner) ?? [];
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(await answer.json()).toMatchObject({
      data: { log: { entry: { leafIndex: 0 }, verification: { membership: { status: "VALID" } } } },
    });
    child.kill("SIGTERM");
    const { code, stderr } = await exit(child);
    expect(code).toBe(0);
    expect(stderr).toMatch(/"type":"mutation","code":"OK".*"requestId"/);
  });

  test("stops on SIGTERM though its store does not answer any more", async () => {
    const child = spawn(process.execPath, [HANGING], { stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    await written(child, "curl");
    child.kill("SIGTERM");
    expect(await exit(child)).toEqual({ code: 0, stderr: expect.stringMatching(/^Stopped without waiting .*\n$/) });
  });

  test("keeps log and key where it is told, and finds both again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-serve-"));
    const keys: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      const child = auditql(["serve", "--port", "0"], folder);
      keys.push(/Log's key {2}(.*)/.exec(await written(child, "curl"))?.[1] ?? "");
      child.kill("SIGINT");
      expect((await exit(child)).code).toBe(0);
    }
    expect(keys[0]).toMatch(/^localhost\/auditql\/default\+[0-9a-f]{8}\+/);
    expect(keys[1]).toBe(keys[0]);
    expect((await stat(join(folder, "data", "auditql.key"))).mode & 0o077).toBe(0);
    await rm(folder, { recursive: true });
  });

  test("is ready without its Redis, and says that it does without", async () => {
    const child = auditql(["serve", "--port", "0", "--store", "memory:", "--redis-url", "redis://127.0.0.1:1"]);
    const [, url = ""] = /GraphQL {4}(http:\S+)\/graphql/.exec(await written(child, "curl")) ?? [];
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", degraded: ["redis"] }]);
    child.kill("SIGTERM");
    expect((await exit(child)).code).toBe(0);
  });

  test("says in one sentence that its port is taken", async () => {
    const first = auditql(["serve", "--port", "0", "--store", "memory:"]);
    const [, port = ""] = /127\.0\.0\.1:(\d+)/.exec(await written(first, "curl")) ?? [];
    expect(await exit(auditql(["serve", "--port", port, "--store", "memory:"]))).toEqual({
      code: 1,
      stderr: `Port ${port} on 127.0.0.1 is taken by another program: stop it, or choose another port with AUDITQL_PORT or --port.\n`,
    });
    first.kill("SIGTERM");
    await exit(first);
  });

  test("does not start with settings that cannot be used, and names each", async () => {
    const { code, stderr } = await exit(auditql(["serve", "--port", "x", "--host", "a b"]));
    expect(code).toBe(2);
    expect(stderr.split("\n").map((line) => line.split(":", 1)[0])).toEqual(["--host", "--port", ""]);
  });

  test("does not start for other machines without authentication, and says what to set", async () => {
    const { code, stderr } = await exit(auditql(["serve", "--port", "0", "--host", "0.0.0.0", "--store", "memory:"]));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^refusing to listen on 0\.0\.0\.0 without authentication: set AUDITQL_API_KEYS .*\n$/);
  });

  test("lets in the key that auditql key create printed, until it is revoked, and nobody else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-serve-"));
    const create = auditql(["key", "create", "--name", "ci", "--scope", "audit:log"], folder);
    const [key, note] = await Promise.all([text(create.stdout), text(create.stderr)]);
    const child = auditql(["serve", "--port", "0", "--store", "memory:", "--api-keys", "data/api-keys.json"], folder);
    const banner = await written(child, "curl");
    expect(banner).toContain("Access     authentication by API keys");
    const [, url = ""] = /GraphQL {4}(\S+)/.exec(banner) ?? [];
    const status = async (headers: Record<string, string>) => {
      const body = '{"query":"{__typename}"}';
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
      return answer.status;
    };
    const authorization = `Bearer ${key.trim()}`;
    expect(await status({})).toBe(401);
    expect(await status({ authorization })).toBe(200);
    const [, id = ""] = /^key ([0-9a-f]{12})/.exec(note) ?? [];
    expect((await exit(auditql(["key", "revoke", id], folder))).code).toBe(0);
    await delay(1_100);
    expect(await status({ authorization })).toBe(401);
    child.kill("SIGTERM");
    await exit(child);
    await rm(folder, { recursive: true });
  });

  test("does not start on a store that it does not know, and says so with all else that is wrong", async () => {
    const { code, stderr } = await exit(auditql(["serve", "--port", "x", "--store", "mongodb://x"]));
    expect(code).toBe(2);
    expect(stderr.split("\n")).toEqual([
      '--port: expected an integer from 0 to 65535, got "x"',
      '--store: expected memory: or sqlite:PATH or postgres://… or pangea+https://… or pangea:DOMAIN, got "mongodb"',
      "",
    ]);
  });
});

test("auditql schema prints the published schema", async () => {
  const child = auditql(["schema"]);
  const [printed, published] = await Promise.all([
    text(child.stdout),
    readFile(new URL("../../../schema.graphql", import.meta.url), "utf8"),
  ]);
  expect(printed).toBe(published);
});

test("auditql schema --api prints it for clients: the same types and fields, and nothing of federation", async () => {
  const [printed, published] = await Promise.all([
    text(auditql(["schema", "--api"]).stdout),
    readFile(new URL("../../../schema.graphql", import.meta.url), "utf8"),
  ]);
  expect(printSchema(buildSchema(printed))).toBe(printed.trimEnd());
  expect(printed).not.toMatch(/@key|@link|@shareable|@interfaceObject|Auditable|_entities|_service/);
  const fieldsOf = (sdl: string) =>
    parse(sdl).definitions.flatMap((definition) =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value !== "Auditable"
        ? [`${definition.name.value}: ${(definition.fields ?? []).map(({ name }) => name.value).join(" ")}`]
        : [],
    );
  expect(fieldsOf(printed)).toEqual(expect.arrayContaining([expect.stringMatching(/^AuditEntry: id log leafIndex/)]));
  expect(new Set(fieldsOf(printed))).toEqual(new Set(fieldsOf(published)));
});

test("auditql --version is that of the package", async () => {
  const { version } = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  for (const flag of ["--version", "-V"]) expect(await text(auditql([flag]).stdout)).toBe(`${version}\n`);
});

test("auditql verify exits as the verifier says", async () => {
  const child = auditql(["verify", "/nonexistent/document.json"]);
  const { code, stderr } = await exit(child);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^cannot verify \/nonexistent\/document\.json: /);
});

test("auditql schema --prefix prints root fields under it, --no-node none of Relay's; AUDITQL_SUBGRAPH_PREFIX is the same prefix", async () => {
  const [printed, byVariable] = await Promise.all([
    text(auditql(["schema", "--prefix", "audit", "--no-node"]).stdout),
    text(auditql(["schema", "--no-node"], tmpdir(), { AUDITQL_SUBGRAPH_PREFIX: "audit" }).stdout),
  ]);
  expect(printed).toMatch(/^ {2}auditSearch\($/m);
  expect(printed).not.toMatch(/^ {2}(search|nodes?)\(/m);
  expect(byVariable).toBe(printed);
});

test("auditql schema refuses a prefix that no name may begin with", async () => {
  const { code, stderr } = await exit(auditql(["schema", "--prefix", "2nd"]));
  const expected = "1 to 32 letters and digits such as audit, a small letter first";
  expect([code, stderr]).toEqual([2, `--prefix: expected ${expected}, got "2nd"\n`]);
});
