import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { MAX_DROPPED_BYTES } from "../../src/http/body.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { describeWith, findProgram } from "../service.js";

/** The body is so much larger that no buffer on the way takes what is not read of it. */
const MAX_BODY_BYTES = 1024 * 1024;
const BODY_BYTES = 12 * 1024 * 1024;

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await testGateway(await openTestService(), { maxBodyBytes: MAX_BODY_BYTES });
});
afterAll(() => gateway.close());

const TOO_LARGE = Buffer.alloc(BODY_BYTES, " ");
const json = { "content-type": "application/json" };

/** What a program says of a body that it is given on standard input. */
async function said(program: string, args: readonly string[], body: Buffer): Promise<string> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => undefined).end(body);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  return Buffer.concat(chunks).toString();
}

function* pieces(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += 65_536) yield body.subarray(start, start + 65_536);
}

describe("a body that is too large is answered to", () => {
  test("fetch, each time", async () => {
    for (let time = 0; time < 5; time++) {
      const response = await fetch(`${gateway.url}/graphql`, { method: "POST", headers: json, body: TOO_LARGE });
      expect(response.status).toBe(413);
      expect(await response.json()).toEqual({
        errors: [
          {
            message: `the request body may have at most ${MAX_BODY_BYTES} bytes`,
            extensions: { code: "PAYLOAD_TOO_LARGE" },
          },
        ],
      });
    }
  });

  test("fetch, where the body does not say its length", async () => {
    const body = ReadableStream.from(pieces(TOO_LARGE)) as ReadableStream<Uint8Array>;
    const init: RequestInit & { readonly duplex: "half" } = { method: "POST", headers: json, body, duplex: "half" };
    expect((await fetch(`${gateway.url}/graphql`, init)).status).toBe(413);
  });

  describeWith("python3", findProgram("python3") !== undefined, () => {
    test("Python's urllib", async () => {
      const program = [
        "import sys, urllib.request, urllib.error",
        "request = urllib.request.Request(sys.argv[1], sys.stdin.buffer.read(), {'content-type': 'application/json'})",
        "try: print(urllib.request.urlopen(request).status)",
        "except urllib.error.HTTPError as error: print(error.status)",
      ].join("\n");
      expect(await said("python3", ["-c", program, `${gateway.url}/graphql`], TOO_LARGE)).toBe("413\n");
    });
  });

  describeWith("curl", findProgram("curl") !== undefined, () => {
    test("curl", async () => {
      const args = [
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--data-binary",
        "@-",
        "-H",
        "content-type: application/json",
      ];
      expect(await said("curl", [...args, `${gateway.url}/graphql`], TOO_LARGE)).toBe("413");
    });
  });
});

describe("nobody makes the gateway read for ever:", () => {
  const head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

  /** Sends without an end until it is answered or cut off; what came back, and how much was sent. */
  async function flood(framing: string, chunk: Buffer): Promise<{ readonly answer: string; readonly sent: number }> {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (data: Buffer) => (answer += data.toString()));
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(head + framing);
    const write = (): void => {
      while (!socket.destroyed && answer === "" && socket.write(chunk));
    };
    socket.on("drain", write);
    write();
    // Not events.once, which rejects at the broken pipe that is expected here.
    await new Promise((resolve) => socket.once("close", resolve));
    return { answer, sent: socket.bytesWritten };
  }

  test("a body without an end is answered in the middle, and its connection closed", async () => {
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, " "), Buffer.from("\r\n")]);
    const { answer, sent } = await flood("transfer-encoding: chunked\r\n\r\n", chunk);
    expect(answer === "" || answer.startsWith("HTTP/1.1 413")).toBe(true);
    expect(sent).toBeLessThan(2 * (MAX_BODY_BYTES + MAX_DROPPED_BYTES));
  }, 60_000);

  test("one that says it is longer than is ever read is answered at once", async () => {
    const { answer } = await flood(`content-length: ${10 * MAX_DROPPED_BYTES}\r\n\r\n`, Buffer.alloc(65_536, " "));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});
