import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The program as the package ships it. */
export const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const READY = /^ +GraphQL +(\S+)\/graphql$/m;

export interface GatewayOptions {
  /** Where the log and the key are; a gateway started again on the same folder continues its log. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: `serve`, on a free port. */
  readonly command?: readonly string[];
}

/** `auditql serve` as a process of its own, on a free loopback port. */
export interface GatewayProcess {
  /** Without a trailing slash. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has ended, with its exit code (null: by a signal) and all that it printed. */
  readonly ended: Promise<{ readonly code: number | null; readonly printed: string }>;
  /** Sends the signal, waits for the process to end and answers its exit code; null when the signal ended it. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

/** A temporary folder for a gateway's files; remove it with `removeFolder`. */
export function gatewayFolder(): string {
  return mkdtempSync(join(tmpdir(), "auditql-gateway-"));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Starts a gateway and waits until it says where it is. Rejects with what it printed if it ends instead. */
export async function startGateway({ folder, env = {}, command = ["serve"] }: GatewayOptions): Promise<GatewayProcess> {
  const gateway = spawn(process.execPath, [MAIN, ...command], {
    env: { PATH: process.env["PATH"], ...settings(folder), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = endOf(gateway);
  const url = await readyUrl(gateway);
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> => {
    gateway.kill(signal);
    return (await ended).code;
  };
  return { url, pid: gateway.pid ?? 0, ended, stop };
}

async function endOf(gateway: ChildProcess): Promise<{ readonly code: number | null; readonly printed: string }> {
  let printed = "";
  for (const stream of [gateway.stdout, gateway.stderr])
    stream?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(gateway, "close")) as [number | null];
  return { code, printed };
}

function settings(folder: string): Readonly<Record<string, string>> {
  return {
    AUDITQL_PORT: "0",
    AUDITQL_STORE: `sqlite:${join(folder, "audit.db")}`,
    AUDITQL_KEY_FILE: join(folder, "auditql.key"),
  };
}

function readyUrl(gateway: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const url = READY.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    };
    gateway.stdout?.on("data", read);
    gateway.stderr?.on("data", read);
    gateway.once("exit", (code) => {
      reject(new Error(`the gateway ended with ${String(code)}: ${printed}`));
    });
  });
}

/** What a GraphQL request answered; the test says which shape it expects of `data`. */
export interface GraphqlAnswer<Data> {
  readonly data: Data | null | undefined;
  readonly errors: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

/** Sends one operation as any HTTP client would. Rejects when there is no answer. */
export async function graphqlRequest<Data>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<GraphqlAnswer<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors = [] } = (await response.json()) as Partial<GraphqlAnswer<Data>>;
  return { data, errors };
}

/** As `graphqlRequest`, for an operation that must not fail: answers its data, throws its errors. */
export async function graphqlData<Data>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Data> {
  const { data, errors } = await graphqlRequest<Data>(url, query, variables);
  if (errors.length > 0 || !data) throw new Error(errors.map(({ message }) => message).join("\n"));
  return data;
}
