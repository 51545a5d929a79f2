import type { AuditService } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import type { RootCache } from "../../../src/audit/cache.js";
import { openPangeaService, type PangeaServiceOptions } from "../../../src/backends/pangea/service.js";
import { KEYRING } from "../../keyring.js";
import { ORIGIN } from "../../engine/test-log.js";
import { startService, type FakeOptions, type StartedFake } from "./fake-service.js";

export interface OpenedPangea extends StartedFake {
  readonly service: AuditService;
  readonly alarms: readonly string[];
  readonly cache: RootCache;
  /** The paths of the calls since the last look. */
  readonly calls: () => readonly string[];
  /** Another gateway in front of the same service, with the same key. */
  readonly another: (options?: Partial<PangeaServiceOptions>) => AuditService;
}

/** A gateway's service in front of one of the protocol. */
export async function openedPangea(options: FakeOptions = {}): Promise<OpenedPangea> {
  const started = await startService(options);
  const alarms: string[] = [];
  const cache = new MemoryRootCache();
  const alarm = (message: string): void => void alarms.push(message);
  const logs = [{ log: "default", configId: "pci_one" }];
  const another: OpenedPangea["another"] = (changed) =>
    openPangeaService({
      ...{
        baseUrl: started.url,
        token: "pts_x",
        pauseMs: 1,
        pollMs: 5,
        logs,
        cache,
        keyring: KEYRING,
        origin: ORIGIN,
        alarm,
      },
      ...changed,
    });
  const service = another();
  let looked = 0;
  const calls = (): readonly string[] => {
    const paths = started.seen.slice(looked).map(({ path }) => path);
    looked = started.seen.length;
    return paths;
  };
  const close = async (): Promise<void> => {
    await service.close();
    await started.close();
  };
  return { ...started, service, alarms, cache, calls, another, close };
}
