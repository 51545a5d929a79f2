import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.js";
import { findProgram } from "../program.js";

export const redisProgram = findProgram("redis-server");

/** A real redis-server of the test's own, on a free loopback port, that writes nothing to disk. */
export class RedisServer {
  private constructor(
    readonly port: number,
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  /** Resolves when the server takes commands. `port` takes the place of a server that was killed. */
  static async start(port?: number): Promise<RedisServer> {
    const chosen = port ?? (await freePort());
    const folder = await mkdtemp(join(tmpdir(), "auditql-redis-"));
    const options = ["--port", String(chosen), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const process = spawn(redisProgram ?? "redis-server", [...options, "--dir", folder], { stdio: "ignore" });
    const server = new RedisServer(chosen, process, folder);
    await server.answering();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Sends one inline command and answers the reply's first line. */
  async command(text: string): Promise<string> {
    const socket = connect(this.port, "127.0.0.1");
    try {
      await once(socket, "connect");
      socket.write(`${text}\r\n`);
      const [reply] = (await once(socket, "data")) as [Buffer];
      return reply.toString("utf8").split("\r\n")[0] ?? "";
    } finally {
      socket.destroy();
    }
  }

  /** Stops the process in its tracks: sockets stay open, nothing answers. */
  freeze(): void {
    this.process.kill("SIGSTOP");
  }

  thaw(): void {
    this.process.kill("SIGCONT");
  }

  /** Ends the process at once, requests or not. */
  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, "exit");
      this.process.kill("SIGKILL");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answering(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if ((await this.command("PING").catch(() => "")) === "+PONG") return;
      await sleep(50);
    }
    throw new Error("redis-server did not start within 5 s");
  }
}

/** Waits, at most 5 s, until a check holds. */
export async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 250; attempt++) {
    if (await check()) return;
    await sleep(20);
  }
  throw new Error("did not come about within 5 s");
}
