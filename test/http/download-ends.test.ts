import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as passed } from "node:timers/promises";
import { pino } from "pino";
import type { AuditService, TreeEntry } from "../../src/audit/service.js";
import type { GatewayOptions } from "../../src/http/gateway.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { replaced } from "../graphql/watched.js";
import { fetched, lines, linkTo, PLAIN, sealer, text } from "./download-client.js";
import { nextConnection } from "./next-connection.js";

type Page = readonly TreeEntry[];

/** A service whose downloads are read as `changed` says; the rest is honest. */
function withPages(service: AuditService, changed: (page: Page) => Page | Promise<Page>): AuditService {
  const download: AuditService["download"] = async (request) => {
    const honest = await service.download(request);
    async function* pages(signal: AbortSignal) {
      for await (const page of honest.pages(signal)) yield await changed(page);
    }
    return { ...honest, pages };
  };
  return replaced(service, { download });
}

/** A disk that serves so many pages. */
function failingAfter(pages: number) {
  return (page: Page): Page => {
    if (pages-- > 0) return page;
    throw new Error("the disk is gone");
  };
}

/** Entries of 60 KB: more than the buffers of a connection hold. */
const LONG = 300;

/** A gateway over a log that is long enough not to fit into the buffers of a connection. */
async function longGateway(options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const service = await openTestService();
  const event = { message: "m".repeat(30_000) };
  const events = Array.from({ length: LONG }, () => ({ event }));
  await service.append({ log: "default", events, sign: false, path: "events" });
  return testGateway(service, { sealer, ...options });
}

/** Asks for a file and reads its head only. Answers a way to hang up. */
async function unread(url: string): Promise<() => void> {
  const { host, pathname } = new URL(url);
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAccept-Encoding: identity\r\n\r\n`);
  await once(socket, "data");
  socket.pause();
  return () => socket.destroy();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 20) {
    if (waited > 5_000) throw new Error("it never came to hold");
    await passed(20);
  }
}

const count = async (at: TestGateway, outcome: string): Promise<number> => {
  const metrics = await (await fetch(`${at.url}/metrics`)).text();
  return Number(
    new RegExp(`auditql_downloads_total\\{format="NDJSON",outcome="${outcome}"\\} (\\d+)`).exec(metrics)?.[1] ?? 0,
  );
};

describe("a download that does not end well", () => {
  test("gives its place to another when its client hangs up", async () => {
    const long = await longGateway({ maxDownloads: 1 });
    const { url } = await linkTo(long);
    const hangUp = await unread(url);
    const { status, headers } = await fetched((await linkTo(long)).url, { "accept-encoding": "gzip" });
    expect([status, headers["retry-after"]]).toEqual([503, "5"]);
    // The refusal is no file, and not packed as one.
    expect([headers["content-encoding"], headers["content-disposition"]]).toEqual([undefined, undefined]);
    hangUp();
    await until(async () => (await count(long, "stopped")) === 1);
    expect(lines(await text(url))).toHaveLength(LONG);
    expect(await count(long, "complete")).toBe(1);
    await long.close();
  });

  test("is not begun for a client that hung up before", async () => {
    const service = await openTestService();
    await logMessages(service, 5);
    let opening = Promise.resolve();
    const slow = replaced(service, { download: (request) => opening.then(() => service.download(request)) });
    const logged: string[] = [];
    const logger = pino({ level: "error" }, { write: (line: string) => void logged.push(line) });
    const at = await testGateway(slow, { sealer, logger });
    const { host, port, pathname } = new URL((await linkTo(at)).url);
    const arrival = nextConnection();
    opening = arrival.then((connection) => once(connection, "close")).then(() => undefined);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await arrival;
    socket.destroy();
    await until(async () => (await count(at, "stopped")) === 1);
    expect([await count(at, "complete"), await count(at, "failed"), logged]).toEqual([0, 0, []]);
    await at.close();
  });

  test("is cut when its client reads nothing for too long", async () => {
    const long = await longGateway({ maxDownloads: 1, streamLimits: { slowMs: 200 } });
    const hangUp = await unread((await linkTo(long)).url);
    await until(async () => (await count(long, "slow")) === 1);
    hangUp();
    await long.close();
  });

  test("is cut when its client reads steadily, but too slowly", async () => {
    const long = await longGateway({ readRate: { leastBytes: 50_000_000, windowMs: 600 } });
    const { host, port, pathname } = new URL((await linkTo(long)).url);
    const socket = connect(Number(port), "127.0.0.1").pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAccept-Encoding: identity\r\n\r\n`);
    const reading = setInterval(() => socket.read(1_000) as unknown, 10);
    await until(async () => (await count(long, "slow")) === 1);
    clearInterval(reading);
    socket.destroy();
    await long.close();
  });

  test("is not cut for the time that the gateway itself takes", async () => {
    const service = await openTestService();
    await logMessages(service, 300);
    const slowly = async (page: Page) => (await passed(250), page);
    const slow = await testGateway(withPages(service, slowly), {
      sealer,
      readRate: { leastBytes: 50_000_000, windowMs: 120 },
    });
    expect(lines(await text((await linkTo(slow)).url))).toHaveLength(300);
    expect([await count(slow, "complete"), await count(slow, "slow")]).toEqual([1, 0]);
    await slow.close();
  });

  test("keeps neither its link nor more than two places from others", async () => {
    const long = await longGateway();
    const { url } = await linkTo(long);
    const hangUps = [await unread(url)];
    const again = await fetched(url, PLAIN);
    expect([again.status, again.headers["retry-after"], again.body.toString()]).toEqual([
      503,
      "5",
      expect.stringContaining("this link is in use"),
    ]);
    hangUps.push(await unread((await linkTo(long)).url));
    const third = await fetched((await linkTo(long)).url, PLAIN);
    expect([third.status, third.body.toString()]).toEqual([
      503,
      expect.stringContaining("one caller may have 2 downloads"),
    ]);
    for (const hangUp of hangUps) hangUp();
    await until(async () => (await count(long, "stopped")) === 2);
    expect(lines(await text(url))).toHaveLength(LONG);
    await long.close();
  });

  test("breaks off where it cannot go on: no client takes it for whole", async () => {
    const service = await openTestService();
    await logMessages(service, 500);
    for (const headers of [PLAIN, { "accept-encoding": "gzip" }]) {
      const broken = await testGateway(withPages(service, failingAfter(2)), { sealer });
      const { url } = await linkTo(broken);
      await expect(fetched(url, headers)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
      expect(await count(broken, "failed")).toBe(1);
      await broken.close();
    }
  });

  test("that cannot even begin is answered with an error", async () => {
    const service = await openTestService();
    await logMessages(service, 5);
    const broken = await testGateway(withPages(service, failingAfter(0)), { sealer });
    const { status, body } = await fetched((await linkTo(broken)).url);
    expect([status, body.toString()]).toEqual([500, expect.not.stringContaining("disk")]);
    await broken.close();
  });

  test("shows a corrupt entry as such, in its place", async () => {
    const service = await openTestService();
    await logMessages(service, 3);
    const damaged = withPages(service, (page) =>
      page.map((one) => (one.kind === "entry" && one.entry.leafIndex === 1 ? { kind: "corrupt", leafIndex: 1 } : one)),
    );
    const broken = await testGateway(damaged, { sealer });
    const all = lines(await text((await linkTo(broken)).url));
    expect(all.map(({ leafIndex, error }) => [leafIndex, error])).toEqual([
      [2, undefined],
      [1, "ENTRY_CORRUPT"],
      [0, undefined],
    ]);
    const csv = (await text((await linkTo(broken, { format: "CSV" })).url)).split("\r\n");
    expect(csv[2]).toBe("1,,,,,,,,,,,,,,,ENTRY_CORRUPT");
    await broken.close();
  });

  test("is let finish when the gateway stops, and no other begins", async () => {
    const long = await longGateway();
    const { url } = await linkTo(long, { format: "NDJSON" });
    const { host, pathname } = new URL(url);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAccept-Encoding: identity\r\n\r\n`);
    const chunks: Buffer[] = [await once(socket, "data").then(([chunk]) => chunk as Buffer)];
    socket.pause();
    const closing = long.close(50_000);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
    await once(socket, "close");
    await closing;
    expect(Buffer.concat(chunks).toString().endsWith("\r\n0\r\n\r\n")).toBe(true);
  });
});

test("a download leaves one line in the log, of how much and not of what", async () => {
  const written: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void written.push(line) });
  const logging = await testGateway(await openTestService(), { sealer, logger });
  await logMessages(logging.service, 4);
  await text((await linkTo(logging, { query: "event" })).url);
  const [line, ...others] = written.filter((text) => text.includes('"download"'));
  expect(others).toEqual([]);
  expect(JSON.parse(line ?? "")).toMatchObject({
    outcome: "complete",
    entries: 4,
    format: "NDJSON",
    credential: "loopback",
  });
  expect(line).not.toContain("event");
  await logging.close();
});
