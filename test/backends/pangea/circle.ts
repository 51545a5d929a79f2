import type { AuditService } from "../../../src/audit/service.js";
import { openPangeaService, type PangeaServiceOptions } from "../../../src/backends/pangea/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import type { EventSchema } from "../../../src/core/event-schema.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { openTestService } from "../../engine/test-log.js";
import type { TestGateway } from "../../graphql/gateway.js";
import { pangeaGateway } from "../../http/pangea/sdk.js";

/** The gateway in front has a key of its own: it signs what it was shown. */
const FRONT_KEYRING = keyringOfSeed(new Uint8Array(32).fill(8));

/** The engine of this project behind its own door of the protocol, to put the backend in front of. */
export interface Behind {
  readonly engine: AuditService;
  readonly door: TestGateway;
  /** The backend, with its log `default` in front of a log of the engine; with a schema, where it knows one. */
  front(log: string, options?: Partial<PangeaServiceOptions> & { readonly schema?: EventSchema }): AuditService;
  close(): Promise<void>;
}

/** Opens an engine with empty logs of the format pangea, with the standard fields or a schema. */
export async function openBehind(logs: readonly string[] = ["default"], schema?: EventSchema): Promise<Behind> {
  const declared = { format: "pangea", ...(schema !== undefined && { schema }) } as const;
  const engine = await openTestService({ logs: logs.map((log) => ({ log, ...declared })) });
  const door = await pangeaGateway(engine, { pangeaLogs: logs });
  return {
    ...{ engine, door },
    front: (log, { schema: known, ...options } = {}) =>
      openPangeaService({
        ...{ baseUrl: door.url, token: "token", logs: [{ log: "default", configId: log, schema: known }] },
        ...{ cache: new MemoryRootCache(), keyring: FRONT_KEYRING, origin: "front.example/auditql" },
        ...{ pauseMs: 1, pollMs: 5, ...options },
      }),
    close: () => door.close(),
  };
}
