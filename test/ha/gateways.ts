import { join } from "node:path";
import { freePort } from "../free-port.js";
import { MAIN } from "../gateway.js";
import type { Programs } from "./programs.js";
import { until } from "./until.js";

/** A line of the gateway's log that says that something is wrong: pino's levels 50 (error) and 60 (fatal). */
const ALARM = /"level":[56]0,/;
/** What must not be said of a log that is sound; in answers, in logs and as a label of a metric. */
export const DISTRUST = /ROOT_CONFLICT|LOG_CORRUPT|ENTRY_CORRUPT/;

const NO_ANSWER = "no answer";

export interface GatewaySettings {
  /** How each gateway reaches the database: as many gateways as there are URLs. */
  readonly stores: readonly string[];
  readonly redisUrl: string;
}

/** Gateways on one log, each a process of its own that its supervisor starts again, on the same port, when it ends by itself. */
export class Gateways {
  private constructor(
    private readonly programs: Programs,
    private readonly ports: ReadonlyMap<string, number>,
    private readonly keyFile: string,
  ) {}

  /** Resolves when all of them are ready. The first one makes the key file. */
  static async start(programs: Programs, { stores, redisUrl }: GatewaySettings): Promise<Gateways> {
    const ports = new Map<string, number>();
    const gateways = new Gateways(programs, ports, join(programs.folderOf("keys"), "auditql.key"));
    for (const store of stores) {
      const name = `gateway${ports.size + 1}`;
      const port = await freePort();
      ports.set(name, port);
      programs.start({
        name,
        command: process.execPath,
        args: [MAIN, "serve"],
        env: { ...gateways.#settings(store), AUDITQL_PORT: String(port), REDIS_URL: redisUrl },
        runsAs: "this user",
      });
      await until(`${name} is ready`, async () => ((await gateways.#readiness(name)) === "ready" ? true : undefined));
    }
    return gateways;
  }

  /** Their addresses, without a trailing slash. */
  all(): readonly string[] {
    return [...this.ports.values()].map((port) => `http://127.0.0.1:${port}`);
  }

  /** How often a supervisor had to start one of them again. */
  restarts(): number {
    return [...this.ports.keys()].reduce((sum, name) => sum + this.programs.restarts(name), 0);
  }

  /** What they have written at the level of an error, each line once. */
  alarms(): readonly string[] {
    return [...this.ports.keys()].flatMap((name) =>
      this.programs
        .log(name)
        .split("\n")
        .filter((line) => ALARM.test(line))
        .map((line) => `${name}: ${line}`),
    );
  }

  /** What they say of themselves when all is over, and should not: not ready, or something missing, or a distrust ever shown. */
  async complaints(): Promise<readonly string[]> {
    const complaints: string[] = [];
    for (const [name, port] of this.ports) {
      const readiness = await this.#readiness(name);
      if (readiness !== "ready") complaints.push(`${name} is not ready: ${readiness}`);
      if (readiness === NO_ANSWER) continue;
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      complaints.push(
        ...metrics
          .split("\n")
          .filter((line) => DISTRUST.test(line) && !line.endsWith(" 0"))
          .map((line) => `${name}: ${line}`),
      );
    }
    return complaints;
  }

  /** Runs `auditql fsck --full` on a store; resolves with its exit code and what it printed. */
  async fsck(store: string): Promise<{ readonly code: number | undefined; readonly printed: string }> {
    const args = [MAIN, "fsck", "--full", "--mark-file", join(this.programs.folderOf("fsck"), "marks")];
    const code = await this.programs.run({
      name: "fsck",
      command: process.execPath,
      args,
      env: this.#settings(store),
      runsAs: "this user",
    });
    return { code, printed: this.programs.log("fsck") };
  }

  #settings(store: string): Readonly<Record<string, string>> {
    return { AUDITQL_STORE: store, AUDITQL_KEY_FILE: this.keyFile, AUDITQL_LOG_LEVEL: "warn" };
  }

  /** `ready`, or what it says instead. */
  async #readiness(name: string): Promise<string> {
    const url = `http://127.0.0.1:${this.ports.get(name) ?? NaN}/readyz`;
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    if (response === undefined) return NO_ANSWER;
    const text = await response.text();
    return response.status === 200 && text === '{"status":"ready"}' ? "ready" : text;
  }
}
