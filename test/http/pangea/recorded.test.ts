import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { openTestService, TestClock } from "../../engine/test-log.js";
import type { TestGateway } from "../../graphql/gateway.js";
import { openPangeaService, pangeaGateway, PANGEA_LOG, postWire } from "./sdk.js";

const microsOf = (time: string): number => Date.parse(`${time.slice(0, 19)}Z`) * 1_000 + Number(time.slice(20, 26));

describe("a request as the SDKs of other languages write it, byte for byte", () => {
  let service: AuditService;
  let gateway: TestGateway;
  beforeAll(async () => {
    service = await openPangeaService();
    gateway = await pangeaGateway(service);
  });
  afterAll(async () => {
    await gateway.close();
  });

  const post = (sdk: string, path: string, bytes: string) =>
    postWire(gateway.url + path, bytes, { "user-agent": `pangea-${sdk}`, authorization: "Bearer pts_any" });
  const newest = async (): Promise<unknown> => {
    const { treeSize } = await service.root("default");
    const [outcome] = await service.entries("default", [treeSize - 1]);
    return outcome?.kind === "entry" ? outcome.entry.envelope.event : outcome;
  };

  test.each<{ sdk: string; path: string; bytes: string; event: object }>([
    {
      sdk: "python/6.13.0",
      path: "/v1/log",
      bytes: '{"event": {"message": "h\\u00e9llo \\u2603 \\ud83d\\ude00", "actor": "Jos\\u00e9"}, "verbose": false}',
      event: { message: "héllo ☃ 😀", actor: "José" },
    },
    {
      sdk: "python/6.13.0",
      path: "/v1/log",
      bytes:
        '{"event": {"message": "{\\"a\\":[1,2],\\"b\\":{}}", "timestamp": "2026-01-02T03:04:04.000678Z"}, "verbose": true}',
      event: { message: '{"a":[1,2],"b":{}}', timestamp: "2026-01-02T03:04:04.000678Z" },
    },
    {
      sdk: "python/6.13.0",
      path: "/v2/log",
      bytes: '{"events": [{"event": {"message": "b1", "tenant_id": "t9"}}], "verbose": true}',
      event: { message: "b1", tenant_id: "t9" },
    },
    {
      sdk: "go/5.7.0",
      path: "/v1/log",
      bytes: '{"event":{"message":"\\u003cb\\u003e \\u0026 \\u2028","actor":"a"},"verbose":false}\n',
      event: { message: "<b> & \u2028", actor: "a" },
    },
    {
      sdk: "go/5.7.0",
      path: "/v2/log",
      bytes: '{"events":[{"event":{"message":"m","timestamp":"2026-01-02T03:04:04.000678Z"}}],"verbose":false}\n',
      event: { message: "m", timestamp: "2026-01-02T03:04:04.000678Z" },
    },
    {
      sdk: "java/5.3.0",
      path: "/v1/log",
      bytes: '{"event":{"message":"tab\\u0009 unit\\u001F","new":"n","old":"o"},"verbose":true}',
      event: { message: "tab\t unit\u001f", new: "n", old: "o" },
    },
  ])("$sdk POST $path $bytes", async ({ sdk, path, bytes, event }) => {
    const { status, body } = await post(sdk, path, bytes);
    expect([status, body.status]).toEqual([200, "Success"]);
    expect(await newest()).toEqual(event);
  });

  test.each([
    ["python/6.13.0", '{"query": "message:\\"\\"", "start": "2026-01-01T00:00:00.000000Z", "verbose": true}'],
    ["python/6.13.0", '{"query": "", "limit": 1000, "order": "asc", "order_by": "received_at"}'],
    ["go/5.7.0", '{"query":"message:m","limit":2,"order":"desc","verbose":true}\n'],
    ["java/5.3.0", '{"query":"message:Integration test msg","limit":4,"max_results":10,"verbose":true,"order":"asc"}'],
    ["node/5.6.0", '{"query":"message:JSON-message status:signed","limit":20,"order":"desc","order_by":"received_at"}'],
    ["node/5.6.0", '{"query":"message:test-1700000000.12","limit":20}'],
    ["viewer/2.0.3", '{"query":"message:event","start":"7day","limit":20,"max_results":100,"verbose":true}'],
    ["viewer/2.0.3", '{"query":"m","start":"7day","end":"0day","return_context":true,"verify_signature":true}'],
  ])("%s POST /v1/search %s", async (sdk, bytes) => {
    const { status, body } = await post(sdk, "/v1/search", bytes);
    expect([status, body.status]).toEqual([200, "Success"]);
    expect(body.result).toMatchObject({ count: expect.any(Number) as unknown, events: expect.any(Array) as unknown });
  });

  test("of the Go SDK polls without a content type", async () => {
    const { body } = await post(
      "go/5.7.0",
      "/v2/log_async",
      '{"events":[{"event":{"message":"m"}}],"verbose":false}\n',
    );
    const polled = await fetch(`${gateway.url}/request/${body.request_id}`, {
      headers: { "user-agent": "pangea-go/5.7.0" },
    });
    expect([polled.status, polled.headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
  });
});

describe("the protocol's worked examples, logged at their times", () => {
  const LEAVES = [
    "5438705ead58afe007e51c21e89e274ba72b435c65218fa5860cdf8992e865d4",
    "977de4af1b1fae774dae69cdaee50c9e4e72f833e2098b6b268365b26ded9784",
    "07888c8206007b888c3ab5c163b326fdacdf01f7c88c1081fbb636c8edead015",
    "b7434f2c743ac2909d416b1cecbfefa84f3cb96f1ddda8a67e584f6d4f115379",
    "3b4dc3752f79097f131a0b4f857215d6bdbfa30a573cf9ce12a873e6ef452e4e",
    "47c19c0cced7abe41f52660a38e43a41759dddeb8765b9d099894a958d66e298",
    "1019d7f0bd7b05d333f4fddc9a9b71db26f68d1ecf691dfed563fdb4d5e56b45",
  ];
  const ROOTS = [
    "5438705ead58afe007e51c21e89e274ba72b435c65218fa5860cdf8992e865d4",
    "44378390b89be53ef71c54f11b8129dc5979252d36ed65d5d4e365386cb0c445",
    "5caf19e290d1446d0a94df19ef49e88e8959936f8c15d229e32eaf42e57a291a",
    "7982ae85c99c291966cd87e7f537eda06f557000de30ef17f2a8c690be643cc0",
    "ff393473e33cd8af0a0ca194c0ac4c021803ae6e0283db861fd99ccfe45d1b68",
    "bfef7afd1601b355e079f85d5b5553aceadc68dcd4a2c04632a23387bc42158a",
    "408137ffaa43e4051ae14f9ca1e375388d916e71f676ee2528df0eadba7bb7fe",
  ];
  const [, , , ROOT_4] = ROOTS;
  const NODE_23 = "dd26bc5f7f7a3a4e916b85e28d86fe2442c4d2459055bb9d05a5b545a7132543";
  const NODE_45 = "f0ee71099b163e6b389da0e1be3b3a717a37d35030a53677284180845319ff30";
  const NODE_46 = "6fdd67480fd600bbc4b7a20985933d6fd589ed640b765dc8f4644acff85d8fb3";

  const clock = new TestClock();
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await pangeaGateway(await openTestService({ logs: PANGEA_LOG, clock: clock.now }));
  });
  afterAll(async () => {
    await gateway.close();
  });

  const logAt = async (time: string, body: string) => {
    clock.micros = microsOf(time);
    return (await postWire(`${gateway.url}/v1/log`, body)).body.result;
  };

  test("have the roots and proofs of the tree of seven leaves", async () => {
    const told: object[] = [];
    for (const [i] of LEAVES.entries())
      told.push(
        (await logAt(
          `2026-01-01T00:00:0${i}.000000Z`,
          JSON.stringify({ event: { message: `event ${i}` }, verbose: true, ...(i === 6 && { prev_root: ROOTS[2] }) }),
        )) as object,
      );
    expect(told).toMatchObject(LEAVES.map((hash, i) => ({ hash, unpublished_root: ROOTS[i] })));
    expect(told[0]).toMatchObject({ membership_proof: "" });
    expect(told[6]).toMatchObject({
      membership_proof: `l:${NODE_45},l:${ROOT_4 ?? ""}`,
      consistency_proof: [
        `x:${LEAVES[2] ?? ""},r:${LEAVES[3] ?? ""},l:${ROOTS[1] ?? ""},r:${NODE_46}`,
        `x:${ROOTS[1] ?? ""},r:${NODE_23},r:${NODE_46}`,
      ],
    });
    const root = async (size: number) => (await postWire(`${gateway.url}/v1/root`, { tree_size: size })).body.result;
    expect(await root(4)).toMatchObject({
      data: {
        ...{ size: 4, root_hash: ROOT_4, published_at: "2026-01-01T00:00:03.000000Z" },
        consistency_proof: [
          `x:${LEAVES[2] ?? ""},r:${LEAVES[3] ?? ""},l:${ROOTS[1] ?? ""}`,
          `x:${ROOTS[1] ?? ""},r:${NODE_23}`,
        ],
      },
    });
    const search = JSON.stringify({ query: "", start: "2026-01-01T00:00:00Z", order: "asc", limit: 1 });
    const { body } = await postWire(`${gateway.url}/v1/search`, search);
    const proof = `r:${LEAVES[1] ?? ""},r:${NODE_23},r:${NODE_46}`;
    expect(body.result).toMatchObject({ events: [{ hash: LEAVES[0], leaf_index: 0, membership_proof: proof }] });
  });
});

describe("the protocol's worked envelopes", () => {
  const AT = "2022-08-09T23:30:01.313785Z";
  const SIGNED_KEY =
    '"{\\"algorithm\\":\\"ED25519\\",\\"key\\":\\"-----BEGIN PUBLIC KEY-----\\\\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\\\\n-----END PUBLIC KEY-----\\\\n\\",\\"owner\\":\\"qa\\"}"';
  const SIGNATURE = "Drz5qs3A5tnjEbX+GNrJ3W84pf5DlX/VzQaFKSLmmAotMCfZeCia5LJesTHY4M8USoUow6/XA4pu9E3K9RqkBg==";

  test("have their hashes, signed ones too", async () => {
    const clock = new TestClock(microsOf(AT));
    const gateway = await pangeaGateway(await openTestService({ logs: PANGEA_LOG, clock: clock.now }));
    const hashOf = async (body: string) => (await postWire(`${gateway.url}/v1/log`, body)).body.result;
    const hashes = [
      await hashOf('{"event":{"message":"hello world"}}'),
      await hashOf('{"event":{"actor":"José","message":"héllo ☃ 😀 日本語"}}'),
      await hashOf(
        '{"event":{"message":"m","new":"{\\"ct4\\":\\"cm4\\",\\"customtag3\\":\\"mycustommsg3\\"}","old":"{\\"a\\":[1,2,{\\"z\\":null}],\\"b\\":true}"}}',
      ),
      await hashOf('{"event":{"actor":"","message":"x"}}'),
      await hashOf('{"event":{"message":"[1,2]"}}'),
    ];
    clock.micros = microsOf("2026-01-01T00:00:00.123456Z");
    const event = '{"message":"{\\"a\\":[2,{\\"z\\":null}],\\"b\\":1}","actor":"bob"}';
    hashes.push(await hashOf(`{"event":${event},"signature":"${SIGNATURE}","public_key":${SIGNED_KEY}}`));
    clock.micros = microsOf("2026-01-02T03:04:05.000006Z");
    hashes.push(
      await hashOf(
        '{"event":{"tenant_id":"acme","timestamp":"2026-01-02T03:04:04.000000Z","target":"doc/7","status":"success","source":"10.0.0.1","old":"v1","new":"v2","message":"updated","action":"update","actor":"alice"}}',
      ),
    );
    await gateway.close();
    expect(hashes).toEqual(
      [
        "7b1a88eebfeaa013beca900adc2c9fe4804a7453b64ff670d904dc3db11020ce",
        "db2697b146c9b6678b925fe3fc858d19fb2e7764e71e578579f55b4545a10424",
        "2b456ee70efffb95dd9bbb5b5fb3b97b390a63713ea923294cc42bae2a7e2184",
        "2619122dd2f15073c75bc26a42edb07a8b49e79784d7bb7c7a01ed98758b2d6c",
        "d72ff2738d0ac2a40a43fbf0e9a5cadf2263bb823ebce91c077b2061d754f4a7",
        "2c84e28c118f61d40f199515c4661bc09de7a84aa7c6207c65d4f21aa3a00441",
        "7f8a8b3cdb8f94919fb5559d445fd5ae915af4affada7dd12cd19342c2e23884",
      ].map((hash) => ({ hash })),
    );
  });
});
