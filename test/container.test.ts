import { describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SETTINGS } from "../src/settings/table.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), "utf8");

/** Containers cannot be run where these tests are: what can be checked is that the files speak of what there is. */
describe("the container files", () => {
  const dockerfile = read("Dockerfile");
  const compose = read("compose.yaml");
  const settings = SETTINGS.rows.map(({ variable }) => variable);

  test("copy files that there are, once built", () => {
    const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map(([, path = ""]) => path);
    expect(copied).toContain("build/src");
    // The page is bundled by a step of its own, which the image runs: its source stands for it.
    const sources = copied.map((path) => (path === "build/graphiql" ? "graphiql/esbuild.config.js" : path));
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("start the program that package.json names", () => {
    const { bin } = JSON.parse(read("package.json")) as { readonly bin: { readonly auditql: string } };
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "${bin.auditql}"]`);
    expect(existsSync(join(root, bin.auditql))).toBe(true);
  });

  test("run scripts that package.json has", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    const run = [...dockerfile.matchAll(/npm run (\S+)/g)].map(([, script = ""]) => script);
    expect(run.length).toBeGreaterThan(0);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(run));
  });

  test("set settings that there are", () => {
    const named = `${dockerfile}\n${compose}`.match(/\b(?:AUDITQL_\w+|REDIS_URL)\b/g) ?? [];
    expect(named).toContain("REDIS_URL");
    expect(named.filter((name) => !settings.includes(name))).toEqual([]);
  });

  test("check the health of every service, and start the gateway behind the others", () => {
    expect(dockerfile).toContain("HEALTHCHECK");
    expect(compose.match(/^ {4}healthcheck:$/gm)).toHaveLength(2);
    expect(compose.match(/condition: service_healthy/g)).toHaveLength(2);
  });
});
