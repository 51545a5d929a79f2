import { readFile } from "node:fs/promises";
import type { Access } from "../access/authenticate.js";
import { AuditError } from "../audit/errors.js";
import { COMPILE_AT_HIT } from "../graphql/compiled-execution.js";
import { TrustedDocuments } from "../graphql/trusted-documents.js";
import { openGateway, type Gateway, type GatewayOptions } from "../http/gateway.js";
import { packageFile } from "../operations/package.js";
import type { Settings } from "../settings/read.js";

const GRAPHIQL_FOLDER = packageFile("build/graphiql");
const VIEWER_FOLDER = packageFile("build/viewer-page");

type Parts = Pick<GatewayOptions, "service" | "health" | "logger" | "metrics" | "sealer"> & {
  readonly access: Access;
};

/** Opens the gateway that the settings ask for. Rejects with BAD_USER_INPUT where the manifest of documents cannot be used. */
export async function openConfiguredGateway(settings: Settings, parts: Parts): Promise<Gateway> {
  return openGateway({
    ...settings.listener,
    ...settings.gateway,
    ...parts,
    pangeaLogs: settings.service.logs.filter(({ format }) => format === "pangea").map(({ log }) => log),
    trusted: await trustedIn(settings.execution),
    compileAtHit: settings.execution.compiled ? COMPILE_AT_HIT : Infinity,
    graphiqlFolder: GRAPHIQL_FOLDER,
    viewerFolder: VIEWER_FOLDER,
  });
}

/** Read once: a manifest belongs to a release of the applications that use it. */
async function trustedIn({ trustedDocuments: path }: Settings["execution"]): Promise<TrustedDocuments | undefined> {
  return path === undefined ? undefined : TrustedDocuments.parse(await readManifest(path));
}

async function readManifest(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new AuditError("BAD_USER_INPUT", `AUDITQL_TRUSTED_DOCUMENTS: ${path} cannot be used: ${String(error)}`);
  }
}
