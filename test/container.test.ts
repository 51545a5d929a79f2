import { describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { SETTINGS } from "../src/settings/table.js";

interface Service {
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly depends_on?: unknown;
  readonly profiles?: readonly string[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), "utf8");

/** Containers cannot be run where these tests are: what can be checked is that the files speak of what there is. */
describe("the container files", () => {
  const dockerfile = read("Dockerfile");
  const compose = read("compose.yaml");
  const { services } = parse(compose) as { readonly services: Readonly<Record<string, Service>> };
  const settings = SETTINGS.rows.map(({ variable }) => variable);

  test("copy files that there are, once built", () => {
    const copies = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+) \/app\/(\S*)$/gm)];
    const copied = copies.map(([, path = ""]) => path);
    expect(copies.filter(([, from, to]) => to !== "" && from !== to)).toEqual([]);
    expect(copied).toContain("build/dist");
    // The pages are bundled by a step of its own, which the image runs: their sources stand for them.
    const pages = new Map([
      ["build/graphiql", "graphiql/esbuild.config.js"],
      ["build/viewer-page", "viewer/esbuild.config.js"],
    ]);
    const sources = copied.map((path) => pages.get(path) ?? path);
    expect(copied).toEqual(expect.arrayContaining([...pages.keys()]));
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("start the program that package.json names", () => {
    const { bin } = JSON.parse(read("package.json")) as { readonly bin: { readonly auditql: string } };
    const started = `/app/${bin.auditql}`;
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "--max-semi-space-size=32", "${started}"]`);
    expect(services["keys"]?.entrypoint).toEqual(["node", started, "key"]);
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
    const { gateway, keys, ...others } = services;
    expect(Object.keys(others).filter((name) => others[name]?.healthcheck === undefined)).toEqual([]);
    const behind = Object.keys(others).map((name) => [name, { condition: "service_healthy" }]);
    expect(gateway?.depends_on).toEqual(Object.fromEntries(behind));
    expect(keys?.profiles).toEqual(["keys"]);
  });

  test("have keys made where every gateway reads them, in volumes that the image's user owns", () => {
    const { gateway, keys } = services;
    expect(keys?.environment?.["AUDITQL_API_KEYS"]).toBe(gateway?.environment?.["AUDITQL_API_KEYS"]);
    expect([keys?.volumes, gateway?.volumes]).toEqual([["config:/config"], ["key:/data", "config:/config:ro"]]);
    expect(dockerfile).toContain("RUN mkdir -m 700 /data /config && chown node:node /data /config");
    // What is not named lies below ./data, which is the volume of the folder that the program runs in.
    expect(dockerfile).toMatch(/^USER node\nWORKDIR \/\nVOLUME \/data$/m);
  });

  test("leave no variable set that a setting's file would contradict", () => {
    const image = [...dockerfile.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = ""]) => line.match(/\w+(?==)/g) ?? []);
    expect(image).toContain("AUDITQL_HOST");
    expect(image.filter((variable) => settings.includes(`${variable}_FILE`))).toEqual([]);
  });
});
