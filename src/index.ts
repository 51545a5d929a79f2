/** `auditql`: the audit service in a program of one's own, over a store of this package or one's own. */
export type { RootCache } from "./audit/cache.js";
export { AuditError } from "./audit/errors.js";
export type { EventSchema, LogDeclaration, SchemaField } from "./audit/log-declaration.js";
export type { LogIdentity } from "./audit/log-identity.js";
export type { BlockStore } from "./audit/block-store.js";
export type { IndexedStore, OpenedStore, SearchIndex } from "./audit/search-index.js";
export type * from "./audit/service.js";
export type { LogStore } from "./audit/store.js";
export { MemoryRootCache } from "./caches/memory/root-cache.js";
export { openLocalService, type LocalServiceOptions } from "./engine/local-service.js";
export { indexed } from "./engine/search/open-index.js";
export { ephemeralKeyring, keyringOfSeed, type Keyring } from "./keys/keyring.js";
export { KeyFileError, loadOrCreateSeed } from "./keys/seed-file.js";
export { openStore } from "./stores/index.js";
