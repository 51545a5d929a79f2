import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../free-port.js";
import { findProgram } from "../../program.js";
import { serverUser } from "./server.js";

/** On PATH, or where Debian keeps it. */
export function pgbouncerProgram(): string | undefined {
  const debian = "/usr/sbin/pgbouncer";
  return findProgram("pgbouncer") ?? (existsSync(debian) ? debian : undefined);
}

export type PoolMode = "session" | "transaction" | "statement";

export interface PgbouncerSettings {
  readonly mode: PoolMode;
  /** Startup parameters that are dropped; what else a client sends is refused. */
  readonly ignored?: string;
  /** Its sessions with the server. Default: fewer than the clients of a test, so that they change hands; 60 in mode `session`. */
  readonly poolSize?: number;
}

/** A real pgbouncer on a free loopback port, before the server of a URL; whoever comes is its one user, `auditql`. */
export class Pgbouncer {
  private constructor(
    private readonly port: number,
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(serverUrl: string, settings: PgbouncerSettings): Promise<Pgbouncer> {
    const { mode, ignored = "", poolSize = mode === "session" ? 60 : 8 } = settings;
    const port = await freePort();
    const { hostname, port: serverPort } = new URL(serverUrl);
    const folder = mkdtempSync(join(tmpdir(), "auditql-pgbouncer-"));
    chmodSync(folder, 0o755); // it runs as another user where the tests run as root
    const lines = [
      "[databases]",
      `* = host=${hostname} port=${serverPort} user=auditql`,
      "[pgbouncer]",
      `listen_addr = 127.0.0.1`,
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = any",
      `pool_mode = ${mode}`,
      "max_client_conn = 200",
      `default_pool_size = ${poolSize}`,
      ...(ignored === "" ? [] : [`ignore_startup_parameters = ${ignored}`]),
    ];
    const file = join(folder, "pgbouncer.ini");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const child = spawn(pgbouncerProgram() ?? "pgbouncer", [file], {
      ...serverUser(),
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await listening(child);
    return new Pgbouncer(port, child, folder);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The same database, through the pooler. */
  before(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  async close(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, "exit");
      this.process.kill("SIGKILL");
      await exited;
    }
    rmSync(this.folder, { recursive: true });
  }
}

async function listening(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => {
      reject(new Error(`pgbouncer ended with ${code ?? "a signal"}: ${log}`));
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("process up")) resolve();
    });
  });
}
