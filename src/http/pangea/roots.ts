import { AuditError } from "../../audit/errors.js";
import type { AuditService, Root } from "../../audit/service.js";
import { digestOf, utf8 } from "../../core/bytes.js";
import { consistencyText } from "../../core/proof-text.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { configOf, type Config } from "./config.js";
import type { Ask, Outcome } from "./endpoint.js";
import { rootBody } from "./requests.js";
import { StatusError } from "./status.js";

/** A root with the proof that the tree of one entry less is a prefix of it (protocol section 4.6). */
export interface WireRoot {
  readonly tree_name: string;
  readonly size: number;
  readonly root_hash: string;
  readonly url: string;
  readonly published_at: string;
  /** Absent at size 1, where no smaller tree exists. */
  readonly consistency_proof?: readonly string[];
}

/** POST /v1/root. */
export async function serveRoot(ask: Ask): Promise<Outcome> {
  const { tree_size: treeSize, config_id } = rootBody(ask.body);
  const config = await configOf(ask, config_id);
  const root = await ask.service.root(config.log, treeSize).catch((error: unknown) => {
    throw error instanceof AuditError && error.code === "NOT_FOUND" ? noTree(error.message) : error;
  });
  if (root.treeSize === 0) throw noTree(`The log ${config.log} is empty: it has no root yet.`);
  return {
    kind: "success",
    summary: `Root of size ${root.treeSize}`,
    result: { data: await wireRoot(ask, config, root) },
  };
}

export async function wireRoot(ask: Ask, { identity }: Config, root: Root): Promise<WireRoot> {
  const { log, treeSize, hash, publishedAt } = root;
  ask.shared.knownRoots.remember(root);
  const proof =
    treeSize > 1 ? await proofText(ask.service, log, { fromSize: treeSize - 1, toSize: treeSize }) : undefined;
  return {
    tree_name: digestOf(nodeSha256(utf8(identity.origin))),
    size: treeSize,
    root_hash: hash,
    // Where the same root can be requested again: it is published nowhere else.
    url: `${ask.baseUrl}/v1/root`,
    published_at: publishedAt,
    ...(proof && { consistency_proof: proof }),
  };
}

export async function proofText(
  service: AuditService,
  log: string,
  sizes: { readonly fromSize: number; readonly toSize: number },
): Promise<readonly string[]> {
  return consistencyText(await service.consistencyProof({ log, ...sizes }));
}

function noTree(message: string): StatusError {
  return new StatusError("NOT_FOUND", "TreeNotFound", message);
}
