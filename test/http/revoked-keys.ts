import { join } from "node:path";
import type { Access } from "../../src/access/authenticate.js";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { parseKeySet } from "../../src/access/key-set.js";
import { WatchedFile } from "../../src/access/watched-file.js";

/** A key that reads, and a way to revoke it that gateways see at once. */
export interface RevocableKey {
  readonly access: Access;
  readonly id: string;
  readonly authorization: string;
  readonly revoke: () => Promise<void>;
}

/** In a folder of the test's own. The gateway's clock goes forward as the key is revoked: nobody waits for a second. */
export async function revocableKey(folder: string): Promise<RevocableKey> {
  const path = join(folder, "keys.json");
  let nowMs = 0;
  const { stored, text } = await createKey(path, { name: "reader", scopes: ["audit:read"] }, new Date());
  return {
    access: { kind: "required", keys: new WatchedFile(path, parseKeySet, () => nowMs) },
    id: stored.id,
    authorization: `Bearer ${text}`,
    async revoke() {
      await revokeKey(path, stored.id, new Date());
      nowMs += 1_000;
    },
  };
}
