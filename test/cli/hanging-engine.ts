import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { serve } from "../../src/cli/serve.js";
import { openLocalService } from "../../src/engine/local-service.js";
import { ephemeralKeyring } from "../../src/keys/keyring.js";
import { TokenSealer } from "../../src/keys/sealed-token.js";
import { readSettings } from "../../src/settings/read.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { KEYRING } from "../keyring.js";

/** A gateway whose store does not let itself be closed, as a database does that has stopped answering. */
const settings = readSettings({ port: "0", store: "memory:" }, {});
const { log: store, index } = indexed(openMemory(), KEYRING);
const keyring = ephemeralKeyring();
const service = await openLocalService({
  ...{ store, index, cache: new MemoryRootCache(), keyring },
  ...{ ...settings.service, origin: settings.storage.origin },
});
const engine = {
  service,
  health: { probe: () => Promise.resolve([]) },
  close: () => new Promise<void>((resolve) => setTimeout(resolve, 600_000)),
};
const plan = {
  sealer: new TokenSealer(keyring.tokenSecret),
  open: () => Promise.resolve(engine),
};
await serve(settings, () => Promise.resolve(plan), 500);
