// Writes the notices that licences want to travel with what is bundled.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;
const NOTICE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * Writes of each package of which the builds hold a file, and of those that are named because their texts were copied: its name and
 * version, and the text of its licence.
 */
export async function writeNotices(builds, { root, file, copied = [] }) {
  const inputs = builds.flatMap(({ metafile }) => Object.values(metafile.outputs).flatMap((out) => partsOf(out)));
  const found = inputs.map((input) => PACKAGE.exec(input)?.[1]).filter((folder) => folder !== undefined);
  const folders = new Set([...found, ...copied.map((name) => `node_modules/${name}`)]);
  const notices = await Promise.all([...folders].sort().map((folder) => noticeOf(join(root, folder))));
  const head = "AuditQL holds parts of the packages below. Each is under its own licence.\n";
  await writeFile(file, [head, ...new Set(notices)].join(`\n${"-".repeat(80)}\n\n`));
}

function partsOf({ inputs }) {
  return Object.entries(inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
}

async function noticeOf(folder) {
  const { name, version, license, author } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  if (typeof license !== "string") throw new Error(`${name} ${version} names no licence`);
  const files = (await readdir(folder)).filter((entry) => NOTICE.test(entry)).sort();
  const texts = await Promise.all(files.map((entry) => readFile(`${folder}/${entry}`, "utf8")));
  // Some packages of one repository leave the text to the others: their authors are named instead.
  const by = texts.length > 0 ? [] : [`By ${author?.name ?? author ?? `the authors of ${name}`}.\n`];
  return [`${name} ${version} (${license})\n`, ...by, ...texts.map((text) => `${text.trim()}\n`)].join("\n");
}
