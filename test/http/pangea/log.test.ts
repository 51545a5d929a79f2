import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { generateKeyPairSync, sign } from "node:crypto";
import type { AuditService } from "../../../src/audit/service.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { canonicalJson, type JsonObject } from "../../../src/core/json.js";
import { logMessages, openTestService } from "../../engine/test-log.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { clientOf, failureOf, openPangeaService, pangeaGateway, PANGEA_LOG, postWire, stubArweave } from "./sdk.js";

let service: AuditService;
let gateway: TestGateway;
let restore: () => void;

beforeAll(async () => {
  service = await openPangeaService();
  gateway = await pangeaGateway(service);
  restore = stubArweave();
});
afterAll(async () => {
  restore();
  await gateway.close();
});

/** A signer as the SDK takes one; it does not export its own. */
function signer() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    sign: (text: string) => sign(null, Buffer.from(text), privateKey).toString("base64"),
    getPublicKey: () => publicKey.export({ type: "spki", format: "pem" }).toString(),
    getAlgorithm: () => "ED25519",
  };
}

describe("the Node SDK's log", () => {
  test("is told the hash alone", async () => {
    const { status, summary, result } = await clientOf(gateway.url).log({ message: "first" });
    expect([status, summary]).toEqual(["Success", "Logged 1 record(s)"]);
    expect(Object.keys(result).sort()).toEqual(["hash", "signature_verification"]);
    expect(result.signature_verification).toBe("none");
  });

  test("is told the envelope and the proof of an event, and no proof of an older root that it did not name", async () => {
    const { result } = await clientOf(gateway.url).log({ message: "verbose", actor: "alice" }, { verbose: true });
    const { envelope, hash, membership_proof, unpublished_root, consistency_proof } = result;
    const text = canonicalJson(envelope as unknown as JsonObject);
    expect(digestOf(logFormat("pangea").leafHash(utf8(text)))).toBe(hash);
    expect([typeof membership_proof, unpublished_root?.length, consistency_proof]).toEqual(["string", 64, undefined]);
  });

  test("verifies the first event of a log, and then that the log only grows", async () => {
    const fresh = await pangeaGateway(await openPangeaService());
    const client = clientOf(fresh.url);
    const first = (await client.log({ message: "v0" }, { verify: true })).result;
    const second = (await client.log({ message: "v1" }, { verify: true })).result;
    await fresh.close();
    expect([first.membership_verification, first.consistency_verification]).toEqual(["pass", "none"]);
    expect([second.membership_verification, second.consistency_verification]).toEqual(["pass", "pass"]);
  });

  test("verifies growth from a root that others' events lie behind", async () => {
    const client = clientOf(gateway.url);
    await client.log({ message: "before" }, { verify: true });
    await logMessages(service, 5);
    const { result } = await client.log({ message: "after" }, { verify: true });
    expect([result.membership_verification, result.consistency_verification]).toEqual(["pass", "pass"]);
    expect(Array.isArray(result.consistency_proof)).toBe(true);
  });

  test("gets no proof from a root that the log never had", async () => {
    const { status, body } = await postWire(`${gateway.url}/v1/log`, {
      event: { message: "m" },
      verbose: true,
      prev_root: "ab".repeat(32),
    });
    expect(status).toBe(200);
    expect(body.result).not.toHaveProperty("consistency_proof");
  });

  test("stores objects as canonical JSON, and text beyond ASCII as it is", async () => {
    const event = { message: { b: 1, a: "héllo ☃ 😀" }, new: { y: [1, null] }, old: { x: {} }, actor: "José" };
    const { result } = await clientOf(gateway.url).log({ ...event }, { verify: true });
    expect(result.membership_verification).toBe("pass");
    const [outcome] = await service.entries("default", [(await service.root("default")).treeSize - 1]);
    expect(outcome?.kind === "entry" && outcome.entry.envelope.event).toEqual({
      ...{ message: '{"a":"héllo ☃ 😀","b":1}', new: '{"y":[1,null]}', old: '{"x":{}}', actor: "José" },
    });
  });

  test("sets the tenant of its client", async () => {
    const { result } = await clientOf(gateway.url, "token", { tenant: "acme" }).log(
      { message: "t" },
      { verbose: true },
    );
    expect(result.envelope?.event["tenant_id"]).toBe("acme");
  });

  test("verifies a local signature, and shows the public key that it was given", async () => {
    const options = { verbose: true, signer: signer(), publicKeyInfo: { owner: "qa" } };
    const { result } = await clientOf(gateway.url).log({ message: "signed", actor: "bob" }, options);
    expect(result.signature_verification).toBe("pass");
    expect(JSON.parse(result.envelope?.public_key ?? "")).toMatchObject({ algorithm: "ED25519", owner: "qa" });
  });

  test("is refused with a signature of another event", async () => {
    const other = { ...signer(), sign: () => Buffer.alloc(64, 1).toString("base64") };
    const failure = await failureOf(clientOf(gateway.url).log({ message: "signed" }, { signer: other }));
    expect([failure.is("ValidationError"), failure.errors.map(({ source }) => source)]).toEqual([true, ["/signature"]]);
  });

  test.each(["123", "true", "null", '{"b": 1, "a": 2}'])(
    "known fault of the SDK: it parses the message %s, and then finds another hash",
    async (message) => {
      const failure = await failureOf(clientOf(gateway.url).log({ message }, { verbose: true }));
      expect(failure.is("AuditEventError")).toBe(true);
    },
  );
});

describe("the Node SDK's logBulk", () => {
  test("is told the envelopes in order, and no proofs", async () => {
    const { result } = await clientOf(gateway.url).logBulk([{ message: "b1" }, { message: "b2" }], { verbose: true });
    expect(result.results.map(({ envelope }) => envelope?.event["message"])).toEqual(["b1", "b2"]);
    expect(result.results.flatMap(Object.keys)).not.toContain("membership_proof");
  });

  test.each([
    [0, "BelowMinItems"],
    [1_001, "AboveMaxItems"],
  ])("is refused with %i events", async (count, code) => {
    const events = Array.from({ length: count }, () => ({ message: "m" }));
    const failure = await failureOf(clientOf(gateway.url).logBulk(events));
    expect([failure.status, failure.errors.map((error) => error.code)]).toEqual(["ValidationError", [code]]);
  });
});

describe("a request that breaks the rules", () => {
  test.each<{ what: string; event: Record<string, unknown>; code: string; at: string }>([
    { what: "an empty message", event: { message: "" }, code: "BelowMinLength", at: "message" },
    {
      what: "a message that is too long",
      event: { message: "x".repeat(32_767) },
      code: "AboveMaxLength",
      at: "message",
    },
    { what: "an unknown field", event: { message: "m", foo: "x" }, code: "UnexpectedProperty", at: "foo" },
    { what: "no message", event: { actor: "alice" }, code: "FieldRequired", at: "message" },
    {
      what: "a time that is none",
      event: { message: "m", timestamp: "now" },
      code: "BadFormatDateTime",
      at: "timestamp",
    },
    { what: "a number as action", event: { message: "m", action: 1 }, code: "InvalidString", at: "action" },
    { what: "half of an emoji", event: { message: "\ud83d" }, code: "BadFormat", at: "message" },
  ])("such as $what is told its one mistake", async ({ event, code, at }) => {
    const failure = await failureOf(clientOf(gateway.url).log(event));
    expect(failure.is("ValidationError")).toBe(true);
    const detail: unknown = expect.stringMatching(/^expected .+, got .+/);
    expect(failure.errors).toEqual([{ code, source: `/event/${at}`, detail }]);
  });

  test("is told every bad path at once", async () => {
    const { status, body } = await postWire(`${gateway.url}/v2/log`, {
      events: [{ event: { message: 1, foo: "x" } }, { event: { message: "m" }, bar: 1 }, { event: { actor: [] } }],
      verbose: "yes",
    });
    expect(status).toBe(400);
    const { errors } = body.result as {
      readonly errors: readonly { readonly code: string; readonly source: string }[];
    };
    expect(errors.map(({ code, source }) => `${code} ${source}`).sort()).toEqual([
      ...["FieldRequired /events/2/event/message", "InvalidBool /verbose", "InvalidString /events/0/event/message"],
      ...["InvalidString /events/2/event/actor", "UnexpectedProperty /events/0/event/foo"],
      "UnexpectedProperty /events/1/bar",
    ]);
  });

  test("is refused where a member occurs twice, of which JSON keeps one", async () => {
    const twice = '{"event":{"message":"a","message":"b"}}';
    const { status, body } = await postWire(`${gateway.url}/v1/log`, twice);
    expect([status, body.result]).toMatchObject([400, { errors: [{ source: "/event/message" }] }]);
  });

  test.each(["{", "", "[]", "null", '"text"'])("is an envelope too for the body %s", async (body) => {
    const answer = await postWire(`${gateway.url}/v1/log`, body);
    expect([answer.status, answer.body.status]).toEqual([400, "ValidationError"]);
  });

  test("leaves out null members of an event, which no SDK hashes alike", async () => {
    const { body } = await postWire(`${gateway.url}/v1/log`, { event: { message: "m", actor: null }, verbose: true });
    expect(body.result).toMatchObject({ envelope: { event: { message: "m" } } });
  });
});

describe("config_id", () => {
  test("names the log; a log that is not kept, or of another format, is one clear error", async () => {
    const logs = [...PANGEA_LOG, { log: "other", format: "rfc6962" }, { log: "second", format: "pangea" }] as const;
    const at = await testGateway(await openTestService({ logs }), { pangeaLogs: ["second"] });
    const log = (config?: string) =>
      clientOf(at.url, "token", config === undefined ? {} : { config }).log({ message: "m" });
    await log("second");
    await log();
    expect((await at.service.root("second")).treeSize).toBe(2);
    const errors = [await failureOf(log("none")), await failureOf(log("other"))];
    await at.close();
    expect(errors.map((error) => error.errors)).toMatchObject([
      [{ code: "ConfigNotExist", source: "/config_id" }],
      [
        {
          code: "ConfigServiceMismatch",
          source: "/config_id",
          detail: expect.stringContaining("format rfc6962") as unknown,
        },
      ],
    ]);
  });

  test("is asked for where no log of the format pangea is the one", async () => {
    const at = await testGateway(await openTestService());
    const failure = await failureOf(clientOf(at.url).log({ message: "m" }));
    await at.close();
    expect([failure.is("MissingConfigID"), failure.status]).toEqual([true, "MissingConfigID"]);
  });
});

describe("the Node SDK's root", () => {
  test("is the newest one, or that of an earlier size with the proof from the size before", async () => {
    await logMessages(service, 3);
    const client = clientOf(gateway.url);
    const { data } = (await client.root()).result;
    const { treeSize, hash, publishedAt } = await service.root("default");
    expect(data).toMatchObject({ size: treeSize, root_hash: hash, published_at: publishedAt });
    expect([data.tree_name, data.url]).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1\/root$/),
    ]);
    expect((await client.root(3)).result.data).toMatchObject({
      size: 3,
      consistency_proof: [expect.stringMatching(/^x:/)],
    });
    expect((await client.root(1)).result.data).not.toHaveProperty("consistency_proof");
  });

  test("does not exist beyond the log", async () => {
    const failure = await failureOf(clientOf(gateway.url).root(1_000_000));
    expect([failure.is("APIError"), failure.status]).toEqual([true, "TreeNotFound"]);
  });
});
