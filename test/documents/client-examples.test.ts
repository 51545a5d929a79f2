import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { apiSchemaText } from "../../src/graphql/schema.js";
import { messages, openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { published } from "../published.js";
import { clientExamples, promised, readmeRun, type Example } from "./client-examples.js";
import { exampleFolder, ROOT, type ExampleFolder } from "./example-folder.js";

const EXAMPLES = clientExamples();
const NOTHING: Example = { language: "", text: "" };
const RELAY = "Relay";
const CODEGEN = "graphql-codegen with the client preset";
const TADA = "gql.tada";
const PLAIN = [
  "Apollo Client",
  "urql and graphcache",
  "graphql-ws",
  "graphql-sse",
  "Verifying a response",
  "Verifying a page",
];

let keys: string;
let gateway: TestGateway;
let authorization: string;
let verifierKey: string;
let remembered: { readonly treeSize: number; readonly hash: string };
let folder: ExampleFolder;

beforeAll(async () => {
  keys = await mkdtemp(join(tmpdir(), "auditql-clients-"));
  const apiKeys = join(keys, "keys.json");
  const { text } = await createKey(apiKeys, { name: "client", scopes: ["audit:read", "audit:log"] }, new Date());
  authorization = `Bearer ${text}`;
  const service = await openTestService();
  await service.append({ log: "default", events: messages(50, "invoice"), sign: false, path: "events" });
  ({ verifierKey } = await service.identity("default"));
  const { treeSize, hash } = await service.root("default");
  remembered = { treeSize, hash };
  await service.append({ log: "default", events: messages(5, "invoice"), sign: false, path: "events" });
  gateway = await testGateway(service, { access: await openAccess({ host: "127.0.0.1", apiKeys }) });
});

afterAll(async () => {
  await gateway.close();
  await rm(keys, { recursive: true });
});

beforeEach(async () => {
  folder = await exampleFolder();
});

afterEach(() => folder.close());

/** With what the document says that the reader has, and this gateway. */
function filledIn({ text }: Example): string {
  const given = Object.entries({ authorization, verifierKey, remembered });
  const lines = given.map(([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`);
  return [...lines, text.replaceAll("127.0.0.1:4000", new URL(gateway.url).host)].join("");
}

function examples(heading: string): readonly Example[] {
  const found = EXAMPLES.get(heading) ?? [];
  if (found.length === 0) throw new Error(`docs/clients.md has no code under ${heading}`);
  return found;
}

test("every example of docs/clients.md that prints something is run here; EventSource in a browser", () => {
  const printing = [...EXAMPLES].filter(([, found]) => found.some((example) => promised(example).length > 0));
  const run = [...PLAIN, RELAY, CODEGEN, TADA, "EventSource"];
  expect(printing.map(([heading]) => heading).sort()).toEqual(run.sort());
});

test.each(PLAIN)("%s prints what docs/clients.md says", async (heading) => {
  const [example = NOTHING] = examples(heading);
  await folder.write("example.mjs", filledIn(example));
  expect(await folder.lines("example.mjs")).toEqual(promised(example));
});

test("Relay prints what docs/clients.md says, compiled with the schema of `auditql schema --api`", async () => {
  const [example = NOTHING] = examples(RELAY);
  await folder.write("schema.graphql", await apiSchemaText());
  await folder.write("Invoices.js", filledIn(example));
  const config = { src: ".", schema: "schema.graphql", language: "javascript", eagerEsModules: true };
  await folder.write("relay.config.json", JSON.stringify(config));
  await folder.tool(published("relay-compiler") as string, "relay.config.json");
  await folder.write("example.js", compiledTags(filledIn(example)));
  expect(await bundledLines(folder, "example.js")).toEqual(promised(example));
});

const bin = (place: string, program: string) => join(ROOT, place, "node_modules/.bin", program);

/** As front ends are: TypeScript is stripped, and imports of own files need no ending. */
async function bundledLines(folder: ExampleFolder, name: string): Promise<readonly string[]> {
  const options = ["--bundle", "--packages=external", "--format=esm", "--platform=node", "--log-level=error"];
  await folder.tool(bin(".", "esbuild"), name, ...options, "--outfile=bundled.mjs");
  return folder.lines("bundled.mjs");
}

/** As babel-plugin-relay does: each tagged text is what the compiler made of it. */
function compiledTags(text: string): string {
  const names: string[] = [];
  const replaced = text.replaceAll(/graphql`\s*(?:query|fragment) (\w+).*?`/gs, (_tag, name: string) => {
    names.push(name);
    return name;
  });
  return names.map((name) => `import ${name} from "./__generated__/${name}.graphql.js";\n`).join("") + replaced;
}

/** The README's function, on another origin than the gateway's, and with a credential. */
function run(): string {
  const text = readmeRun()
    .replace('"/graphql"', JSON.stringify(`${gateway.url}/graphql`))
    .replace("headers: {", `headers: { authorization: ${JSON.stringify(authorization)},`);
  return `import { print } from "graphql";
    import type { TypedDocumentNode } from "@graphql-typed-document-node/core";\nexport ${text}`;
}

describe("typed operations", () => {
  let typed: ExampleFolder;

  beforeAll(async () => {
    typed = await exampleFolder();
    await typed.write("run.ts", run());
    await typed.write("schema.graphql", await apiSchemaText());
    const [codegen = NOTHING, preset = NOTHING] = examples(CODEGEN);
    await typed.write("codegen.ts", filledIn(codegen));
    await typed.write("invoices.ts", withWrongLine(preset, "search.unknown"));
    const [tsconfig = NOTHING, tada = NOTHING] = examples(TADA);
    await typed.write("tsconfig.json", tsconfig.text.replace("{", '{ "include": ["invoices.ts", "payment.ts"],'));
    await typed.write("payment.ts", withWrongLine(tada, "log.unknown"));
    await Promise.all([
      typed.tool(bin("schema-tools", "graphql-codegen"), "--config", "codegen.ts"),
      typed.tool(bin("test/clients", "gql.tada"), "generate-output"),
    ]);
  });

  afterAll(() => typed.close());

  // A line that reads no field of the answer is an error, so that an answer of any type would fail here.
  test("have the types that docs/clients.md uses, and no others", async () => {
    await typed.tool(bin(".", "tsc"), "-p", ".", "--noEmit", "--skipLibCheck", "--target", "es2022");
  });

  test.each([
    [CODEGEN, "invoices"],
    [TADA, "payment"],
  ])("of %s print what docs/clients.md says", async (heading, name) => {
    expect(await bundledLines(typed, `${name}.ts`)).toEqual(promised(examples(heading)[1] ?? NOTHING));
  });
});

function withWrongLine({ text }: Example, wrong: string): string {
  return `import { run } from "./run";\n${text}\n// @ts-expect-error There is no such field.\nvoid ${wrong};\n`;
}
