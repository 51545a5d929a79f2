import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { SETTINGS } from "../../src/settings/table.js";
import { openTestService, logMessages } from "../engine/test-log.js";
import { freePort } from "../free-port.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { keptLines } from "../http/kept-lines.js";
import { describeWith, findProgram } from "../service.js";
import { deployText } from "./metric-names.js";

// Several processes start, and openssl makes a key.
jest.setTimeout(60_000);

/** On PATH, or where Debian keeps it. */
function nginxProgram(): string | undefined {
  return findProgram("nginx") ?? (existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : undefined);
}

const nginx = nginxProgram();
const HOST = "audit.example.com";

describeWith("nginx and openssl", nginx !== undefined && findProgram("openssl") !== undefined, () => {
  const { logger, lines, forget } = keptLines();
  let folder: string;
  let gateway: TestGateway;
  let server: ChildProcess;
  let https: number;
  let http: number;

  /** The file as it is, but for its ports, its certificate and where nginx may write. */
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "auditql-nginx-"));
    gateway = await testGateway(await openTestService(), { logger, trustedProxies: ["127.0.0.1"] });
    [https, http] = [await freePort(), await freePort()];
    makeCertificate();
    const text = replacedAll(deployText("nginx/auditql.conf"), [
      ["server 127.0.0.1:4000 ", `server 127.0.0.1:${new URL(gateway.url).port} `],
      ["listen 443 ssl", `listen 127.0.0.1:${https} ssl`],
      ["listen 80;", `listen 127.0.0.1:${http};`],
      ["/etc/letsencrypt/live/audit.example.com/fullchain.pem", join(folder, "cert.pem")],
      ["/etc/letsencrypt/live/audit.example.com/privkey.pem", join(folder, "key.pem")],
      // Whom a test addresses as 127.0.0.1 is a gateway without credentials.
      ["proxy_set_header Host $host;", "proxy_set_header Host 127.0.0.1;"],
    ]);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${folder}/t;`,
    );
    mkdirSync(join(folder, "t"));
    const main = `daemon off; worker_processes 1; error_log ${folder}/error.log; pid ${folder}/pid; events {}`;
    const head = `${main}\nhttp { access_log off; ${temporary.join(" ")}\n`;
    writeFileSync(join(folder, "nginx.conf"), `${head}${text}}\n`);
    execFileSync(nginx ?? "nginx", ["-t", "-q", "-p", folder, "-c", join(folder, "nginx.conf")]);
    server = spawn(nginx ?? "nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
    await listening(https);
  });

  afterAll(async () => {
    const ended = once(server, "exit");
    server.kill("SIGQUIT");
    await gateway.close();
    await ended;
    rmSync(folder, { recursive: true });
  });

  function makeCertificate(): void {
    const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
    const name = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`];
    execFileSync("openssl", ["req", "-x509", ...key, ...files, ...name], { stdio: "ignore" });
  }

  async function listening(port: number): Promise<void> {
    for (let attempt = 0; attempt < 500; attempt++) {
      const socket = connect(port, "127.0.0.1");
      const isOpen = await Promise.race([
        once(socket, "connect").then(() => true),
        once(socket, "error").then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isOpen) return;
      await sleep(20);
    }
    throw new Error(`nginx did not start: ${readFileSync(join(folder, "error.log"), "utf8")}`);
  }

  interface Sent {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }

  /** Over TLS, to the name of the certificate. */
  async function ask(path: string, { method = "GET", headers = {}, body = "" }: Sent = {}): Promise<IncomingMessage> {
    const ca = readFileSync(join(folder, "cert.pem"));
    const where = { host: "127.0.0.1", port: https, servername: HOST, ca, path, agent: false };
    const sent = request({ ...where, method, headers: { host: HOST, ...headers } }).end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  }

  async function textOf(response: IncomingMessage): Promise<string> {
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return text;
  }

  const JSON_TYPE = { "content-type": "application/json" };

  test("serves the API over TLS", async () => {
    const response = await ask("/graphql", { method: "POST", headers: JSON_TYPE, body: '{"query":"{ __typename }"}' });
    expect([response.statusCode, JSON.parse(await textOf(response))]).toEqual([200, { data: { __typename: "Query" } }]);
    expect(response.headers["strict-transport-security"]).toMatch(/^max-age=\d+$/);
  });

  test("sends who comes without TLS to it, with what they sent", async () => {
    const response = await fetch(`http://127.0.0.1:${http}/graphql?query=x`, {
      redirect: "manual",
      headers: { host: HOST },
    });
    expect([response.status, response.headers.get("location")]).toEqual([308, "https://127.0.0.1/graphql?query=x"]);
  });

  test.each(["/metrics", "/readyz", "/healthz"])("keeps %s for the inside", async (path) => {
    const response = await ask(path);
    response.resume();
    expect(response.statusCode).toBe(404);
    expect((await fetch(gateway.url + path)).status).toBe(200);
  });

  test("says who its client is, whatever that says of itself", async () => {
    forget();
    const response = await ask("/nothing", { headers: { "x-forwarded-for": "203.0.113.7" } });
    response.resume();
    expect(response.statusCode).toBe(404);
    expect(lines()).toMatchObject([{ msg: "refused", address: "127.0.0.1" }]);
  });

  test("passes events on as they come", async () => {
    const query = "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }";
    const headers = { ...JSON_TYPE, accept: "text/event-stream" };
    await logMessages(gateway.service, 1);
    const response = await ask("/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
    let text = "";
    for await (const chunk of response) {
      text += String(chunk);
      if (text.includes('"leafIndex":1')) break;
      if (text.includes('"leafIndex":0')) await logMessages(gateway.service, 1);
    }
    expect(text).toMatch(/"leafIndex":0[^]*"leafIndex":1/);
  });

  test("passes WebSockets on", async () => {
    const ca = readFileSync(join(folder, "cert.pem"));
    const options = { ca, servername: HOST, headers: { host: HOST } };
    const socket = new WebSocket(`wss://127.0.0.1:${https}/graphql`, "graphql-transport-ws", options);
    await once(socket, "open");
    socket.send('{"type":"connection_init"}');
    const [message] = (await once(socket, "message")) as [Buffer];
    expect(JSON.parse(message.toString())).toEqual({ type: "connection_ack" });
    socket.close();
    await once(socket, "close");
  });

  test("lets as large a body through as the gateway takes", async () => {
    const query = "mutation Bulk($events: [AuditEventInput!]!) { logBulk(events: $events) { root { treeSize } } }";
    const events = Array.from({ length: 100 }, () => ({ message: "x".repeat(150_000) }));
    const body = JSON.stringify({ query, variables: { events } });
    expect(body.length).toBeGreaterThan(15_000_000);
    const response = await ask("/graphql", { method: "POST", headers: JSON_TYPE, body });
    const { data, errors } = JSON.parse(await textOf(response)) as Record<string, unknown>;
    expect([response.statusCode, errors, data]).toEqual([200, undefined, { logBulk: expect.anything() }]);
  });
});

test("the settings that it names are settings", () => {
  const named = deployText("nginx/auditql.conf").match(/\bAUDITQL_\w+/g) ?? [];
  const settings = SETTINGS.rows.map(({ variable }) => variable);
  expect(named).toContain("AUDITQL_TRUSTED_PROXIES");
  expect(named.filter((name) => !settings.includes(name))).toEqual([]);
});

/** Throws an Error for what is not there, so that no replacement goes without notice. */
function replacedAll(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((so, [from, to]) => {
    if (!so.includes(from)) throw new Error(`not there: ${from}`);
    return so.replaceAll(from, () => to);
  }, text);
}
