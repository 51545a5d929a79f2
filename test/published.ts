import { createRequire } from "node:module";

const clients = createRequire(new URL("../../test/clients/package.json", import.meta.url));

/**
 * A program of others as it is published, from test/clients. Throws where that is not installed: a test that needs it must
 * fail then.
 */
export function published(name: string): unknown {
  try {
    return clients(name);
  } catch (error) {
    throw notInstalled(error);
  }
}

/** The same of one that is published as an ECMAScript module alone. */
export async function publishedModule(name: string): Promise<unknown> {
  try {
    return await import(clients.resolve(name));
  } catch (error) {
    throw notInstalled(error);
  }
}

function notInstalled(cause: unknown): Error {
  return new Error("install the clients first: npm ci --prefix test/clients", { cause });
}
