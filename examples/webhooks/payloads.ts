import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export type Payload = Readonly<Record<string, unknown>>;

/** One webhook as GitHub sends it. */
export interface Webhook {
  /** Of which GitHub it is: `api.github.com` or a version of the Enterprise Server. */
  readonly edition: string;
  /** The event's name, for example `pull_request`. */
  readonly name: string;
  readonly payload: Payload;
}

interface Definition {
  readonly name: string;
  readonly examples: readonly Payload[];
}

/** Reads every example payload of the package `@octokit/webhooks-examples`. */
export function readWebhooks(): readonly Webhook[] {
  const root = dirname(createRequire(import.meta.url).resolve("@octokit/webhooks-examples/package.json"));
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: edition }) =>
    readDefinitions(join(root, edition, "index.json")).flatMap(({ name, examples }) =>
      examples.map((payload) => ({ edition, name, payload })),
    ),
  );
}

function readDefinitions(path: string): readonly Definition[] {
  return JSON.parse(readFileSync(path, "utf8")) as readonly Definition[];
}
