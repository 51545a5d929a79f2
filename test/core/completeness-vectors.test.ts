import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { completenessVerdict } from "../vectors/completeness-document.js";
import { completenessFiles, type CompletenessFile } from "../vectors/completeness.js";
import { fileText } from "../vectors/make.js";
import { describeWith } from "../service.js";
import { PythonCompleteness } from "./python-completeness.js";

const FOLDER = "test/vectors/completeness";
const HAS_CRYPTOGRAPHY = spawnSync("python3", ["-B", "-c", "import cryptography"]).status === 0;

const committed = readdirSync(FOLDER).map((file): [string, CompletenessFile] => [
  `completeness/${file}`,
  JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8")) as CompletenessFile,
]);
const cases = committed.flatMap(([path, file]) => file.cases.map((one) => ({ path, ...one })));

describe("the vectors of completeness", () => {
  let made: ReadonlyMap<string, CompletenessFile>;
  beforeAll(() => {
    made = completenessFiles();
  });

  test("are the files that the script makes, no more and no less", () => {
    expect(committed.map(([path]) => path).sort()).toEqual([...made.keys()].sort());
    for (const [path, file] of made) expect(readFileSync(`test/vectors/${path}`, "utf8")).toBe(fileText(file));
  });

  test("meet every reason for which an answer is refused", () => {
    const source = readFileSync("src/core/segment/verify-answer.ts", "utf8");
    const reasons = [...source.matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, reason]) => `INVALID ${reason ?? ""}`);
    expect(reasons).toHaveLength(11);
    const met = new Set(cases.map(({ verdict }) => verdict));
    expect(reasons.filter((reason) => !met.has(reason))).toEqual([]);
  });

  test.each(cases)("core comes to its verdict on $path: $name", ({ document, verdict }) => {
    expect(completenessVerdict(document)).toBe(verdict);
  });
});

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  test("Python comes to the verdict on every vector of completeness", async () => {
    const python = new PythonCompleteness();
    try {
      const told = await python.verdicts(cases.map(({ document }) => document));
      expect(cases.map(({ path, name }, i) => `${path} ${name}: ${told[i] ?? ""}`)).toEqual(
        cases.map(({ path, name, verdict }) => `${path} ${name}: ${verdict}`),
      );
    } finally {
      await python.close();
    }
  });
});
