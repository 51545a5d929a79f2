import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections: 32,768 and up on Linux. */
const FIRST = 10_000;
const COUNT = 20_000;

let place = Math.floor(COUNT * Math.random());

/**
 * A loopback port that nothing listens on, for a server that may be stopped and started again on it: no outgoing
 * connection takes it meanwhile, and no other test of this process gets it.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried++) {
    const port = FIRST + (place++ % COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error("every port is taken");
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch {
    return false;
  }
  probe.close();
  await once(probe, "close");
  return true;
}
