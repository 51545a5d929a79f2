import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** May be used, changed, shipped and sold with its notice alone: no network copyleft, and nothing that is open to read only. */
const ALLOWED: ReadonlySet<string> = new Set(
  "0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause ISC MIT PSF-2.0".split(" "),
);

/** What package-lock.json says of a package. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  /** Needed to develop only. */
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** By path: `node_modules/a/node_modules/b`. The root of the project has the empty path. */
export type Lock = ReadonlyMap<string, LockedPackage>;

export interface Licensed {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, or the empty text. */
  readonly licence: string;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));

export function readLock(): Lock {
  const file = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  return new Map(Object.entries(file.packages));
}

/** What is installed with the package, on whatever platform. */
export function installedPackages(lock: Lock): readonly Licensed[] {
  return listed([...lock].filter(([path, { dev = false }]) => path !== "" && !dev));
}

/** What may be in the bundle of the GraphiQL page: what its sources name, and all that those packages depend on. */
export function pagePackages(lock: Lock): readonly Licensed[] {
  return bundledPackages(lock, `${root}graphiql/`, /\.(ts|config\.js)$/);
}

/** What may be in the bundle of the viewer, in the same way. */
export function viewerPackages(lock: Lock): readonly Licensed[] {
  return bundledPackages(lock, `${root}viewer/`, /\.tsx?$/);
}

/** What may be in the bundle of the program, in the same way; what is installed beside it is listed there. */
export function programPackages(lock: Lock): readonly Licensed[] {
  const installed = new Set(installedPackages(lock).map(({ name, version }) => `${name} ${version}`));
  return bundledPackages(lock, `${root}src/`, /\.ts$/).filter(
    ({ name, version }) => !installed.has(`${name} ${version}`),
  );
}

function bundledPackages(lock: Lock, folder: string, isSource: RegExp): readonly Licensed[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => isSource.test(name));
  const sources = files.map((name) => readFileSync(folder + name, "utf8")).join("\n");
  const found = new Map<string, LockedPackage>();
  const add = (from: string, name: string): void => {
    const path = resolved(lock, from, name);
    const locked = path === undefined ? undefined : lock.get(path);
    if (path === undefined || locked === undefined || found.has(path)) return;
    found.set(path, locked);
    for (const needed of Object.keys({ ...locked.dependencies, ...locked.peerDependencies })) add(path, needed);
  };
  for (const path of lock.keys()) {
    const name = nameOf(path);
    // The bundler is not in the bundle.
    if (path === `node_modules/${name}` && name !== "esbuild" && new RegExp(`"${name}["/]`).test(sources))
      add("", name);
  }
  return listed([...found]);
}

/** Where Node finds a package that another one names. */
function resolved(lock: Lock, from: string, name: string): string | undefined {
  const path = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
  if (lock.has(path)) return path;
  return from === "" ? undefined : resolved(lock, from.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, ""), name);
}

function listed(packages: readonly (readonly [path: string, locked: LockedPackage])[]): readonly Licensed[] {
  const each = packages.map(([path, { version = "", license = "" }]) => ({
    ...{ name: nameOf(path), version, licence: license },
  }));
  const once = new Map(each.map((one) => [`${one.name} ${one.version}`, one]));
  return [...once].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, one]) => one);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** Whether everything that an SPDX expression asks for is on the list; of what it leaves to choose, one is enough. */
export function isAllowed({ licence }: Pick<Licensed, "licence">): boolean {
  const choices = licence.replace(/^\((.*)\)$/, "$1").split(" OR ");
  return choices.some((choice) => choice.split(" AND ").every((one) => ALLOWED.has(one)));
}

const BEGIN = "<!-- Made from package-lock.json by `npm run docs`. -->";

/** The document with its lists as the lock file has them. */
export function withLicences(document: string): string {
  const lock = readLock();
  const before = document.slice(0, document.indexOf(BEGIN));
  return [
    `${before}${BEGIN}`,
    "## Installed with AuditQL",
    table(installedPackages(lock)),
    "## In the program",
    table(programPackages(lock)),
    "## In the viewer",
    table(viewerPackages(lock)),
    "## In the GraphiQL page",
    table(pagePackages(lock)),
  ].join("\n\n");
}

function table(packages: readonly Licensed[]): string {
  const rows = packages.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |\n`);
  return `| Package | Version | Licence |\n| --- | --- | --- |\n${rows.join("")}`;
}
