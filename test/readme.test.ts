import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brokenLinks } from "./documents/links.js";
import { type GatewayProcess, gatewayFolder, graphqlData, removeFolder, startGateway } from "./gateway.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");

interface Example {
  readonly operation: string;
  readonly answer: unknown;
}

describe("the API examples of the README", () => {
  const examples = readExamples(readme);
  const folder = gatewayFolder();
  let gateway: GatewayProcess;

  beforeAll(async () => {
    gateway = await startGateway({ folder });
  });

  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  test("are five operations, each with its answer", () => {
    expect(examples).toHaveLength(5);
    expect(readme.match(/^```(graphql|json)$/gm)).toHaveLength(10);
  });

  test.each(examples.map((example, place) => [place + 1, example] as const))(
    "answer as they say, in order: number %i",
    async (_place, { operation, answer }) => {
      const data = await graphqlData<unknown>(gateway.url, operation);
      expect(withoutVaryingText(data, answer)).toEqual(answer);
    },
  );
});

describe("the documents", () => {
  test.each(documentsIn(""))("%s links to files and headings that exist", (document) => {
    expect(brokenLinks(root, document)).toEqual([]);
  });
});

/** Not in folders that others write to meanwhile, or that are not ours. */
function documentsIn(folder: string): readonly string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return entry.name.endsWith(".md") ? [`${folder}${entry.name}`] : [];
    return /^(node_modules|build|vectors|\.git)$/.test(entry.name) ? [] : documentsIn(`${folder}${entry.name}/`);
  });
}

function readExamples(text: string): readonly Example[] {
  const blocks = text.matchAll(/^```graphql\n(.*?)^```\n\n```json\n(.*?)^```$/gms);
  return [...blocks].map(([, operation = "", answer = ""]) => ({ operation, answer: JSON.parse(answer) as unknown }));
}

/** Puts `…` for each text that the README marks so, and leaves everything else to be compared. */
function withoutVaryingText(actual: unknown, documented: unknown): unknown {
  if (documented === "…") return typeof actual === "string" && actual !== "" ? "…" : actual;
  if (Array.isArray(actual) && Array.isArray(documented)) {
    return actual.map((item: unknown, place) => withoutVaryingText(item, documented[place]));
  }
  if (!isRecord(actual) || !isRecord(documented)) return actual;
  const members = Object.entries(actual).map(([key, item]) => [key, withoutVaryingText(item, documented[key])]);
  return Object.fromEntries(members) as unknown;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
