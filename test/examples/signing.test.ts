import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { once } from "node:events";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasBrowser, launchBrowser } from "../browser.js";
import { ended, HAS_PYTHON } from "../cli/verifiers.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { describeWith } from "../service.js";

// A browser and other programs start, slowly on a busy machine.
jest.setTimeout(120_000);

const FOLDER = fileURLToPath(new URL("../../../examples/signing/", import.meta.url));
const LOG = /* GraphQL */ `
  mutation Log($event: AuditEventInput!) {
    log(event: $event) {
      entry {
        event {
          tenantId
        }
        verification {
          signature {
            status
          }
        }
      }
    }
  }
`;
/** What is not in canonical order, and not in ASCII. */
const EVENT = {
  ...{ tenantId: "acme", message: { z: [1, { b: "ä", a: 10 }], a: '"\n' } },
  ...{ actor: "dana", action: "pay", target: "invoice 7 → 8", source: null },
};

interface Signing {
  readonly signedEvent: (event: object, keys: unknown) => Promise<object>;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
});
afterAll(async () => {
  await gateway.close();
});

async function expectLogged(event: unknown): Promise<void> {
  const verification = { signature: { status: "VALID" } };
  expect(await gateway.text(LOG, { event: event as object })).toEqual({
    data: { log: { entry: { event: { tenantId: "acme" }, verification } } },
  });
}

/** With a key of its own. */
const SIGN =
  'async ({ signedEvent }, event) => signedEvent(event, await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]))';

test("the example signs in Node what the gateway finds signed", async () => {
  const script = `console.log(JSON.stringify(await (${SIGN})(await import(${JSON.stringify(join(FOLDER, "sign.js"))}), ${JSON.stringify(EVENT)})))`;
  const { stdout } = await ended([process.execPath, "--no-warnings", "--input-type=module", "-e", script]);
  await expectLogged(JSON.parse(stdout));
});

describeWith("a browser", hasBrowser, () => {
  test("the example signs in a browser what the gateway finds signed", async () => {
    const source = await readFile(join(FOLDER, "sign.js"), "utf8");
    const site = createServer(({ url }, response) => {
      const isModule = url === "/sign.js";
      response.setHeader("content-type", isModule ? "text/javascript" : "text/html").end(isModule ? source : "");
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
      await expectLogged(
        await page.evaluate(`import("/sign.js").then((module) => (${SIGN})(module, ${JSON.stringify(EVENT)}))`),
      );
    } finally {
      await browser.close();
      site.close();
    }
  });
});

describeWith("python3 and cryptography", HAS_PYTHON, () => {
  test("the example signs in Python what the gateway finds signed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-signing-"));
    const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
    await writeFile(join(folder, "key.pem"), pem);
    const { stdout, stderr } = await ended(
      ["python3", join(FOLDER, "sign.py"), join(folder, "key.pem")],
      [JSON.stringify(EVENT)],
    );
    expect(stderr).toBe("");
    await expectLogged(JSON.parse(stdout));
    await rm(folder, { recursive: true });
  });
});

test("what a program leaves undefined is not signed, as it is not sent", async () => {
  const { signedEvent } = (await import(join(FOLDER, "sign.js"))) as Signing;
  const keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const unsaid = { ...EVENT, status: undefined, new: { amount: 5, currency: undefined } };
  await expectLogged(await signedEvent(unsaid, keys));
});

test("an event that is signed with the API's names is refused with those that are signed", async () => {
  const wrong = (await readFile(join(FOLDER, "sign.js"), "utf8")).replace("tenant_id: tenantId", "tenantId");
  const script = `const source = ${JSON.stringify(wrong)}; console.log(JSON.stringify(await (${SIGN})(await import("data:text/javascript," + encodeURIComponent(source)), ${JSON.stringify(EVENT)})))`;
  const { stdout } = await ended([process.execPath, "--no-warnings", "--input-type=module", "-e", script]);
  const error = await gateway.error(LOG, { event: JSON.parse(stdout) as object });
  expect(error.message).toContain(
    "event.signature: expected the key's signature over the event's canonical JSON with the members action, actor, message, target, tenant_id, got a signature that does not verify",
  );
});
