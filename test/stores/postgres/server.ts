import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { freePort } from "../../free-port.js";
import { findProgram } from "../../program.js";

/** `fast` ends sessions and shuts down in order; `immediate` is a crash: the next start recovers from the journal. */
export type StopMode = "fast" | "immediate";

/** A PostgreSQL that tests may fill with databases. */
export interface PostgresServer {
  /** The URL of a new database: an empty one, or a copy of the one of that name, which nobody may be connected to. */
  newDatabase(template?: string): Promise<string>;
  close(): Promise<void>;
}

/** The folder of initdb and postgres: on PATH, or where Debian keeps its newest version. */
export function postgresPrograms(): string | undefined {
  const onPath = findProgram("initdb");
  if (onPath !== undefined) return dirname(realpathSync(onPath));
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(root, version, "bin")).find((folder) => existsSync(join(folder, "initdb")));
}

/** Whether a test can have a PostgreSQL: one given by AUDITQL_TEST_POSTGRES (a URL whose user may create databases), or our own. */
export function hasPostgres(): boolean {
  return process.env["AUDITQL_TEST_POSTGRES"] !== undefined || postgresPrograms() !== undefined;
}

/** `settings` are those of a server of our own: see OwnPostgres.start. */
export async function somePostgres(settings?: readonly string[]): Promise<PostgresServer> {
  const url = process.env["AUDITQL_TEST_POSTGRES"];
  if (url === undefined) return OwnPostgres.start(undefined, settings);
  return { newDatabase: (template) => newDatabase(url, copyOf(template)), close: () => Promise.resolve() };
}

/** A server of our own in a temporary folder on a free loopback port, which a test may stop and start again. */
export class OwnPostgres implements PostgresServer {
  #server: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  /**
   * `folder` is made if it is not there; its parent has to be the server's user's: `serverUser`. What a crash of the server
   * needs is with the operating system, so tests do not wait for the disk; a benchmark does, with `fsync=on`.
   */
  static async start(folder = serverFolder(), settings: readonly string[] = ["fsync=off"]): Promise<OwnPostgres> {
    initialize(folder);
    const server = new OwnPostgres(folder, await freePort(), settings);
    await server.startAgain();
    return server;
  }

  get isRunning(): boolean {
    return this.#server?.exitCode === null && this.#server.signalCode === null;
  }

  /** The process that has started all others; 0 while it is stopped. */
  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  get url(): string {
    return `postgres://auditql@127.0.0.1:${this.port}/postgres`;
  }

  newDatabase(template?: string): Promise<string> {
    return newDatabase(this.url, copyOf(template));
  }

  /** A new database whose tables are in a folder of the server's user: `serverUser`. */
  async newDatabaseAt(path: string): Promise<string> {
    await sql(this.url, `CREATE TABLESPACE elsewhere LOCATION '${path}'`);
    return newDatabase(this.url, "TABLESPACE elsewhere");
  }

  /** A second server that follows this one, read-only until it is promoted. */
  async standby(): Promise<OwnPostgres> {
    const folder = serverFolder();
    const options = ["-D", folder, "-d", this.url, "-X", "stream", "-c", "fast", "-R"];
    run(program("pg_basebackup"), options, folder);
    const server = new OwnPostgres(folder, await freePort(), this.settings);
    await server.startAgain();
    return server;
  }

  /**
   * Every commit waits from now on for a standby that has connected, or for ever: make databases before, and stop the standby
   * by its own `stop`.
   */
  async waitForStandby(): Promise<void> {
    await sql(this.url, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    await sql(this.url, "SELECT pg_reload_conf()");
    await this.untilReplicated();
  }

  /** Resolves once a synchronous standby has all that there is. */
  async untilReplicated(): Promise<void> {
    const synchronous =
      "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming'";
    while ((await sql(this.url, synchronous)).length === 0) await sleep(20);
  }

  /** Takes writes from now on. */
  async promote(): Promise<void> {
    await sql(this.url, "SELECT pg_promote(true, 60)");
  }

  async startAgain(): Promise<void> {
    const options = ["-D", this.folder, "-p", String(this.port)];
    const fixed = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];
    const settings = [...fixed, ...this.settings];
    const server = spawn(program("postgres"), [...options, ...settings.flatMap((setting) => ["-c", setting])], {
      ...serverUser(),
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#server = server;
    await ready(server);
  }

  /** Takes TLS connections too, under a certificate that nobody vouches for; needs openssl. */
  async enableTls(): Promise<void> {
    const [key, certificate] = ["tls.key", "tls.crt"].map((name) => join(this.folder, name));
    const request = [
      "req",
      "-x509",
      "-nodes",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-subj",
      "/CN=test",
    ];
    const files = ["-keyout", `${key}`, "-out", `${certificate}`];
    const made = spawnSync("openssl", [...request, ...files], { ...serverUser(), cwd: this.folder, encoding: "utf8" });
    if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr}`);
    for (const setting of [`ssl_key_file = '${key}'`, `ssl_cert_file = '${certificate}'`, "ssl = on"])
      await sql(this.url, `ALTER SYSTEM SET ${setting}`);
    await sql(this.url, "SELECT pg_reload_conf()");
  }

  async stop(mode: StopMode = "fast"): Promise<void> {
    const server = this.#server;
    if (server?.exitCode !== null) return;
    const exited = once(server, "exit");
    server.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
    await exited;
  }

  async close(): Promise<void> {
    await this.stop("immediate");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs SQL on a connection of its own, as an operator would. */
export async function sql(url: string, text: string, values: readonly unknown[] = []): Promise<readonly unknown[]> {
  return connected(url, async (client) => (await client.query<Record<string, unknown>>(text, [...values])).rows);
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const copyOf = (template: string | undefined): string => (template === undefined ? "" : `TEMPLATE ${template}`);

let databases = 0;

/** Copies files: what PostgreSQL does by itself, from version 15, writes each block to the journal, at twice the cost. */
async function newDatabase(serverUrl: string, where = ""): Promise<string> {
  const name = `auditql_test_${process.pid}_${Date.now()}_${++databases}`;
  await connected(serverUrl, async (client) => {
    const { rows } = await client.query<{ readonly server_version_num: string }>("SHOW server_version_num");
    const strategy = Number(rows[0]?.server_version_num) >= 150_000 ? "STRATEGY FILE_COPY" : "";
    await client.query(`CREATE DATABASE ${name} ${where} ${strategy}`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function program(name: string): string {
  const folder = postgresPrograms();
  if (folder === undefined) throw new Error("PostgreSQL is not installed");
  return join(folder, name);
}

/** A new cluster. All of a run of the tests are copies of its first one: initdb takes a second of CPU, a copy a tenth. */
function initialize(folder: string): void {
  const shared = process.env["AUDITQL_TEST_RUN"];
  if (shared === undefined) {
    initdb(folder);
    return;
  }
  const template = join(shared, "postgres");
  if (!existsSync(template)) makeTemplate(template);
  run("cp", ["-a", `${template}/.`, folder], dirname(folder));
}

/** Where another file of the run is as fast, its template is used. */
function makeTemplate(template: string): void {
  const made = serverFolder(dirname(template));
  initdb(made);
  try {
    renameSync(made, template);
  } catch (error) {
    rmSync(made, { recursive: true });
    if (!existsSync(template)) throw error;
  }
}

function initdb(folder: string): void {
  const options = ["-D", folder, "-U", "auditql", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  run(program("initdb"), options, dirname(folder));
}

/** An empty folder of the server's user. */
function serverFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "auditql-postgres-"));
  const owner = serverUser();
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

function run(path: string, options: readonly string[], folder: string): void {
  const { status, stderr } = spawnSync(path, options, { ...serverUser(), cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`${path} failed: ${stderr}`);
}

/** The server refuses to run as root: root runs it as `postgres`, or `nobody` where there is no such user. */
export function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  return users.get("postgres") ?? users.get("nobody");
}

async function ready(server: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server.once("exit", (code) => {
      reject(new Error(`PostgreSQL ended with ${code ?? "a signal"}: ${log}`));
    });
    server.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (/ready to accept (read-only )?connections/.test(log)) resolve();
    });
  });
}
