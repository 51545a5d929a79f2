// What the builds of the pages share: nothing is built twice, and files are compressed once, here.
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const packers = {
  br: (text, quality) => promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
  gz: (text) => promisify(gzip)(text, { level: 9 }),
};

/**
 * The gateway sends a file as it is compressed here to browsers that take that. Fonts are compressed already. `quality`: of brotli, up to
 * 11, which is much slower than 9.
 */
export async function packFiles(folder, quality = 9) {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.(css|html|js|svg)$/.test(name)) continue;
    const text = await readFile(`${folder}/${name}`);
    for (const [ending, pack] of Object.entries(packers))
      await writeFile(`${folder}/${name}.${ending}`, await pack(text, quality));
  }
}

/** Whether a built file is younger than every file of the folders and every file named. */
export async function isFresh(built, { folders, files }) {
  const made = await stat(built).catch(() => undefined);
  if (made === undefined) return false;
  const inside = await Promise.all(
    folders.map(async (folder) => (await readdir(folder, { recursive: true })).map((name) => `${folder}/${name}`)),
  );
  const changes = await Promise.all([...files, ...inside.flat()].map(async (name) => (await stat(name)).mtimeMs));
  return changes.every((changed) => changed < made.mtimeMs);
}

/** Puts what was built in the place of what was there. */
export async function replaceFolder(built, place) {
  await rm(place, { recursive: true, force: true });
  await rename(built, place);
}
