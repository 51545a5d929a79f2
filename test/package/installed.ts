import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { build } from "esbuild";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brokenLinks } from "../documents/links.js";

/**
 * Usage: npm run test:package
 *
 * The package as its users get it: packed, installed with what it depends on in an empty folder, and used from there. It is no
 * part of `npm test`, for it needs what `npm ci` needs: npm's registry, or its cache.
 */
jest.setTimeout(300_000);

const root = fileURLToPath(new URL("../../../", import.meta.url));
const COMPILER = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const TYPES = join(dirname(COMPILER), "../../@types");
/** Installed with the other programs that tests run. */
const CHECKERS = join(root, "test/clients/node_modules/.bin");
const run = promisify(execFile);
const READY = /^ +GraphQL +(\S+)\/graphql$/m;
const KEY = /^ +Log's key +(\S+)$/m;

let folder = "";
let tarball = "";
let files: readonly string[] = [];

const inFolder = async (command: string, ...args: readonly string[]): Promise<string> => {
  const { stdout } = await run(command, args, { cwd: folder, timeout: 240_000 });
  return stdout;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", folder], { cwd: root });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  files = packed.files.map(({ path }) => path);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "its-user", private: true, type: "module" }));
  tarball = join(folder, packed.filename);
  await inFolder("npm", "install", "--engine-strict", "--prefer-offline", "--no-audit", "--no-fund", tarball);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent: readonly (string | null)[];
}

describe("the package", () => {
  test("holds the program, its pages, its types, the schema, the verifier in Python and the documents, and nothing else", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        ...["build/dist/main.js", "build/dist/index.js", "build/dist/verify.js", "build/dist/THIRD_PARTY_NOTICES.txt"],
        ...["build/src/index.d.ts", "build/src/verify.d.ts"],
        ...["build/graphiql/index.html", "build/graphiql/page.js", "schema.graphql", "README.md", "LICENSE"],
        ...["build/viewer-page/index.html", "build/viewer-page/viewer/THIRD_PARTY_NOTICES.txt"],
        ...["build/viewer-embed/embed.js", "build/viewer-embed/THIRD_PARTY_NOTICES.txt", "build/viewer/embed.d.ts"],
        ...[
          "verifiers/python/auditql_verify.py",
          "docs/format.md",
          "deploy/prometheus/alerts.yaml",
          "examples/signing/sign.js",
        ],
      ]),
    );
    const expected =
      /^(build\/dist\/.*\.(js|js\.map)|build\/dist\/THIRD_PARTY_NOTICES\.txt|build\/src\/.*\.d\.ts|build\/graphiql\/.*|build\/viewer-page\/.*|build\/viewer-embed\/.*|build\/viewer\/(column|embed|embed-props)\.d\.ts|(verifiers\/python|docs|deploy|examples)\/.*|test\/operations\/\w+\.graphql|codegen\.yml|[A-Z]+(\.md)?|package\.json|schema\.graphql)$/;
    expect(files.filter((path) => !expected.test(path))).toEqual([]);
  });

  test("has documents whose links lead to what it holds", () => {
    const documents = files.filter((path) => path.endsWith(".md"));
    expect(documents).toEqual(expect.arrayContaining(["README.md", "docs/production.md", "deploy/README.md"]));
    const broken = documents.map((path) => [path, brokenLinks(join(folder, "node_modules/auditql"), path)] as const);
    expect(broken.filter(([, links]) => links.length > 0)).toEqual([]);
  });

  test("has a source map for every program, with the sources that people read", async () => {
    const dist = join(folder, "node_modules/auditql/build/dist");
    const programs = files.filter((path) => /^build\/dist\/.*\.js$/.test(path)).map((path) => basename(path));
    expect(programs).toEqual(expect.arrayContaining(["main.js", "index.js", "verify.js", "log-writer-worker.js"]));
    const own: string[] = [];
    for (const program of programs) {
      expect(await readFile(join(dist, program), "utf8")).toContain(`//# sourceMappingURL=${program}.map`);
      const { sources, sourcesContent } = JSON.parse(await readFile(join(dist, `${program}.map`), "utf8")) as SourceMap;
      // Some packages publish no sources.
      const ours = sources.filter((source) => !source.includes("node_modules/"));
      expect(ours.filter((source) => typeof sourcesContent[sources.indexOf(source)] !== "string")).toEqual([]);
      own.push(...ours);
    }
    expect(own).toEqual(expect.arrayContaining([expect.stringMatching(/\/src\/core\/proof\.ts$/)]));
    expect(own.filter((source) => source.includes("/build/"))).toEqual([]);
  });

  test("has the name that the README installs it by", async () => {
    expect(await readFile(`${root}README.md`, "utf8")).toContain(`npm install ./${basename(tarball)} `);
  });

  test("declares its files and types as Node, TypeScript and bundlers look for them", async () => {
    expect(await inFolder(join(CHECKERS, "publint"), "run", tarball, "--strict")).toContain("All good!");
    // The schema is a file to read: it has no types.
    const types = [tarball, "--profile", "esm-only", "--exclude-entrypoints", "schema.graphql"];
    const checked = await inFolder(join(CHECKERS, "attw"), ...types);
    for (const module of ["verify", "viewer"]) expect(checked).toContain(`"auditql/${module}"`);
  });

  test("installs what the program may load, and nothing that is bundled in it", async () => {
    const installed = await readdir(join(folder, "node_modules"));
    expect(installed).toEqual(expect.arrayContaining(["auditql", "libsql", "pg"]));
    const bundled = ["fastify", "graphql", "pino", "type-graphql", "commander"];
    expect(installed.filter((name) => bundled.includes(name))).toEqual([]);
  });

  test("has the schema and our operations where a code generator can ask for them", async () => {
    const ask =
      'for (const name of ["schema", "operations/read"]) console.log(import.meta.resolve(`auditql/${name}.graphql`))';
    const found = await inFolder(process.execPath, "--input-type=module", "-e", ask);
    const texts = await Promise.all(
      found
        .trim()
        .split("\n")
        .map((url) => readFile(new URL(url), "utf8")),
    );
    expect(texts).toEqual([expect.stringContaining("type Query"), expect.stringContaining("query Search")]);
  });

  test("lets nobody import what it does not export", async () => {
    const inner = inFolder(process.execPath, "--input-type=module", "-e", 'import "auditql/build/dist/main.js"');
    await expect(inner).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});

describe("npx auditql", () => {
  let gateway: ChildProcess | undefined;

  afterAll(async () => {
    if (gateway?.pid !== undefined && gateway.exitCode === null) {
      process.kill(-gateway.pid, "SIGTERM");
      await once(gateway, "close");
    }
  });

  test("serves, saves evidence, and verifies it", async () => {
    // In a group of its own, as npx starts it through a shell.
    gateway = spawn("npx", ["--no-install", "auditql", "serve", "--port", "0"], { cwd: folder, detached: true });
    const printed = await printedUntil(gateway, KEY);
    const [url = "", key = ""] = [READY.exec(printed)?.[1], KEY.exec(printed)?.[1]];
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: 'mutation { log(event: { message: "hello" }) { root { treeSize } } }' }),
    });
    expect(await response.json()).toEqual({ data: { log: { root: { treeSize: 1 } } } });
    expect((await fetch(`${url}/graphiql/page.js`)).status).toBe(200);
    const [script = "none"] = /viewer\/page-\w+\.js/.exec(await (await fetch(url)).text()) ?? [];
    expect((await fetch(`${url}/${script}`)).status).toBe(200);
    const save = ["save", "--url", `${url}/graphql`, "--key", key, "--out", "evidence.ndjson"];
    await inFolder("npx", "--no-install", "auditql", ...save);
    const verdicts = await inFolder("npx", "--no-install", "auditql", "verify", "evidence.ndjson", "--key", key);
    expect(verdicts).toMatch(/\bVALID\b/);
    expect(verdicts).not.toMatch(/\bINVALID\b/);
  });
});

describe("the program of the README that embeds the service", () => {
  test("logs an event, and verifies it with `auditql/verify`", async () => {
    await writeFile(join(folder, "embedding.js"), await programOfReadme());
    const printed = await inFolder(process.execPath, "embedding.js");
    expect(printed.trim().split("\n")).toEqual(["0 1", "{ kind: 'VALID' }"]);
  });

  test("has the types that the package declares", async () => {
    await writeFile(join(folder, "embedding.ts"), await programOfReadme());
    expect(await compiled("embedding.ts", "--types", "node", "--typeRoots", TYPES)).toBe("");
  });

  test("needs no type of a browser or of Node to verify", async () => {
    const program = `import { trustVerifierKey, type TrustedLog } from "auditql/verify";
export const right: TrustedLog = trustVerifierKey("", "rfc6962");
export const wrong: string = right;
`;
    await writeFile(join(folder, "verifying.ts"), program);
    expect(await compiled("verifying.ts", "--lib", "es2022", "--typeRoots", "none")).toMatch(
      /^verifying\.ts\(3,14\): error TS2322: .*\n$/,
    );
  });
});

describe("the example of docs/viewer.md that shows the viewer in a React application", () => {
  const example = async (): Promise<string> => {
    const [, program = ""] = /^```tsx\n(.*?)^```$/ms.exec(await readFile(`${root}docs/viewer.md`, "utf8")) ?? [];
    return program;
  };

  test("has the types that the package declares, and no others", async () => {
    const wrong = `<AuditTable endpoint="/graphql" columns={["colour"]} />`;
    await writeFile(join(folder, "trail.tsx"), `${await example()}\nexport const wrong = ${wrong};\n`);
    // An application has the types of its React.
    await mkdir(join(folder, "node_modules/@types"), { recursive: true });
    await symlink(join(TYPES, "react"), join(folder, "node_modules/@types/react"));
    const react = ["--jsx", "react-jsx", "--lib", "es2022,dom", "--types", "react"];
    expect(await compiled("trail.tsx", ...react)).toMatch(/^trail\.tsx\(\d+,\d+\): error TS2322: .*"colour".*\n$/);
  });

  test("is bundled with nothing installed but a React", async () => {
    await writeFile(join(folder, "trail.tsx"), await example());
    const { metafile } = await build({
      absWorkingDir: folder,
      entryPoints: ["trail.tsx"],
      ...{ bundle: true, write: false, metafile: true, format: "esm", jsx: "automatic", logLevel: "silent" },
      external: ["react", "react-dom"],
    });
    const asked = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    expect(new Set(asked)).toEqual(new Set(["react", "react-dom", "react-dom/client", "react/jsx-runtime"]));
  });
});

/** What the compiler has to say of a program that uses the package; nothing where it is right. */
async function compiled(file: string, ...options: readonly string[]): Promise<string> {
  const strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", ...options];
  const outcome: unknown = await inFolder(process.execPath, COMPILER, ...strict, file).catch((error: unknown) => error);
  // An Error of child_process is of another realm than the test's.
  return typeof outcome === "object" && outcome !== null && "stdout" in outcome
    ? String(outcome.stdout)
    : String(outcome);
}

async function programOfReadme(): Promise<string> {
  const [, program = ""] = /^```js\n(import .*?)^```$/ms.exec(await readFile(`${root}README.md`, "utf8")) ?? [];
  return program;
}

/** What a process printed up to this line. Rejects with all of it where the process ends before. */
function printedUntil(child: ChildProcess, line: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      if (line.test(printed)) resolve(printed);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => {
      reject(new Error(`it ended with ${String(code)}: ${printed}`));
    });
  });
}
