import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Answer } from "./answer.js";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".ttf": "font/ttf",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** The page may load and call this host only; its editor needs inline styles, and nothing else is inline. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
].join("; ");

/** The build puts a hash of the content into the name, so such a file never changes. */
const HASHED_NAME = /-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/;

/** Answers by path below the folder, `index.html` under the empty path. Anything not in it has no answer. */
export type StaticFiles = ReadonlyMap<string, Answer>;

/**
 * Reads a folder of built files, once: as only what was found there is ever served, no path can lead out of it.
 * A folder that does not exist has no files.
 */
export async function readStaticFiles(folder: string): Promise<StaticFiles> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = await Promise.all(
    found
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const name = relative(folder, path).split(sep).join("/");
        return [name === "index.html" ? "" : name, fileAnswer(name, await readFile(path))] as const;
      }),
  );
  return new Map(files);
}

function fileAnswer(name: string, body: Buffer): Answer {
  const headers = {
    "content-type": CONTENT_TYPES[extname(name)] ?? "application/octet-stream",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": HASHED_NAME.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
  };
  return { status: 200, headers, body };
}
