import { createRequire } from "node:module";

/**
 * A program of others as it is published, from test/clients. Throws where that is not installed: a test that needs it must
 * fail then.
 */
export function published(name: string): unknown {
  const clients = createRequire(new URL("../../test/clients/package.json", import.meta.url));
  try {
    return clients(name);
  } catch (error) {
    throw new Error("install the clients first: npm ci --prefix test/clients", { cause: error });
  }
}
