import { describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  installedPackages,
  isAllowed,
  pagePackages,
  programPackages,
  readLock,
  viewerPackages,
  type Lock,
} from "./licences.js";

const lock = readLock();
const root = fileURLToPath(new URL("../../../", import.meta.url));

describe("what is shipped", () => {
  test("is installed under licences that are on the list", () => {
    const packages = installedPackages(lock);
    expect(packages).toContainEqual(expect.objectContaining({ name: "libsql", licence: "MIT" }));
    expect(packages.filter((one) => !isAllowed(one))).toEqual([]);
  });

  test("has a program that is bundled from licences that are on the list", () => {
    const packages = programPackages(lock);
    expect(packages).toContainEqual(expect.objectContaining({ name: "graphql", licence: "MIT" }));
    expect(packages.filter((one) => !isAllowed(one))).toEqual([]);
  });

  test("travels with a notice of each package in the program", () => {
    const bundled = noticesIn("build/dist");
    expect(bundled.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["fastify", "graphql", "@noble/curves", "@octokit/webhooks-examples"]),
    );
    const listed = [...programPackages(lock), ...installedPackages(lock)].map((one) => JSON.stringify(one));
    expect(bundled.map((one) => JSON.stringify(one)).filter((one) => !listed.includes(one))).toEqual([]);
  });

  test.each([
    ["viewer", "build/viewer-page/viewer", ["react-dom", "@urql/core", "microdiff"]],
    ["components for others", "build/viewer-embed", ["@radix-ui/react-dialog", "@urql/core", "microdiff"]],
  ])("travels with a notice of each package in the %s, from licences that are on the list", (_, folder, some) => {
    const bundled = noticesIn(folder);
    expect(bundled.map(({ name }) => name)).toEqual(expect.arrayContaining(some));
    const packages = viewerPackages(lock);
    const listed = [...packages, ...installedPackages(lock)].map((one) => JSON.stringify(one));
    expect(bundled.map((one) => JSON.stringify(one)).filter((one) => !listed.includes(one))).toEqual([]);
    expect(packages.filter((one) => !isAllowed(one))).toEqual([]);
  });

  test("has a page that is bundled from licences that are on the list", () => {
    const packages = pagePackages(lock);
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["graphiql", "monaco-editor", "monaco-graphql", "react", "scheduler"]),
    );
    expect(packages.filter((one) => !isAllowed(one))).toEqual([]);
  });

  test("is licensed as the lock file says, wherever it is installed here", () => {
    const installed = [...lock].filter(([path]) => path !== "" && existsSync(`${root}${path}/package.json`));
    expect(installed.length).toBeGreaterThan(100);
    const wrong = installed.filter(([path, { license }]) => {
      const manifest = JSON.parse(readFileSync(`${root}${path}/package.json`, "utf8")) as {
        readonly license?: unknown;
      };
      return typeof manifest.license === "string" && manifest.license !== license;
    });
    expect(wrong.map(([path]) => path)).toEqual([]);
  });
});

test("a package that only another one brings along is seen", () => {
  const nested: Lock = new Map([
    ["", {}],
    ["node_modules/a", { version: "1.0.0", license: "MIT" }],
    ["node_modules/a/node_modules/b", { version: "2.0.0", license: "Elastic-2.0" }],
    ["node_modules/tool", { version: "3.0.0", license: "Elastic-2.0", dev: true }],
  ]);
  const refused = installedPackages(nested).filter((one) => !isAllowed(one));
  expect(refused).toEqual([{ name: "b", version: "2.0.0", licence: "Elastic-2.0" }]);
});

test.each(["MIT", "(MIT AND BSD-3-Clause)", "(MPL-2.0 OR Apache-2.0)", "Apache-2.0 OR Elastic-2.0"])(
  "%s is allowed",
  (licence) => {
    expect(isAllowed({ licence })).toBe(true);
  },
);

test.each([
  "",
  "Elastic-2.0",
  "AGPL-3.0-only",
  "SSPL-1.0",
  "BUSL-1.1",
  "GPL-3.0-or-later",
  "MIT AND Elastic-2.0",
  "SEE LICENSE IN x",
])("%j is not allowed", (licence) => {
  expect(isAllowed({ licence })).toBe(false);
});

function noticesIn(folder: string) {
  const notices = readFileSync(`${root}${folder}/THIRD_PARTY_NOTICES.txt`, "utf8");
  const named = [...notices.matchAll(/^-{80}\n\n(\S+) (\S+) \((.*)\)$/gm)];
  return named.map(([, name = "", version = "", licence = ""]) => ({ name, version, licence }));
}
