import { afterEach, beforeEach } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditService, FollowAsking, TailRequest } from "../../src/audit/service.js";
import type { Gateway, GatewayOptions } from "../../src/http/gateway.js";
import { openTestService } from "../engine/test-log.js";
import {
  tailGateway,
  TRANSPORTS,
  type Credential,
  type Event,
  type TailClient,
  type Transport,
} from "./tail-clients.js";

export const FOLLOW = "subscription ($from: AuditLeafIndex) { entryLogged(fromLeafIndex: $from) { leafIndex } }";

export interface TailTest {
  /** A fresh log for each test. */
  readonly service: AuditService;
  /** Runs after the test, the last one given first. */
  after(close: () => unknown): void;
  opened(options?: Partial<GatewayOptions>, on?: AuditService): Promise<Gateway>;
  client(transport: Transport, gateway: Pick<Gateway, "url">, credential?: Credential): TailClient;
  /** A folder that is gone after the test. */
  folder(): Promise<string>;
}

/** What the tests of the live tail stand on; all that a test opens is closed after it. */
export function tailTest(): TailTest {
  const closing: (() => unknown)[] = [];
  let service: AuditService;
  beforeEach(async () => {
    service = await openTestService();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await service.close();
  });
  const after = (close: () => unknown): void => {
    closing.push(close);
  };
  return {
    get service() {
      return service;
    },
    after,
    async opened(options = {}, on = service) {
      const gateway = await tailGateway(on, options);
      after(() => gateway.close(1_000));
      return gateway;
    },
    client(transport, { url }, credential) {
      const client = TRANSPORTS[transport](`${url}/graphql`, credential);
      after(() => {
        client.dispose();
      });
      return client;
    },
    async folder() {
      const folder = await mkdtemp(join(tmpdir(), "auditql-tail-"));
      after(() => rm(folder, { recursive: true }));
      return folder;
    },
  };
}

export function indexesOf(events: readonly Event[]): readonly (number | undefined)[] {
  return events.map(({ data }) => data?.entryLogged.leafIndex);
}

/** So many events; fewer if the stream is completed before. */
export async function take(stream: AsyncIterable<Event>, count = Infinity): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const event of stream) if (events.push(event) === count) break;
  return events;
}

/** The next event of a stream that goes on after it. */
export async function nextOf(stream: AsyncIterator<Event>): Promise<Event> {
  const next: IteratorResult<Event, unknown> = await stream.next();
  if (next.done === true) throw new Error("the stream was completed");
  return next.value;
}

/** The service, and the signal of the first tail that is opened on it. */
export function watching(on: AuditService) {
  const { promise: begun, resolve } = withResolvers<AbortSignal>();
  const watched = new Proxy(on, {
    get(target, name: keyof AuditService) {
      if (name !== "tail") return target[name].bind(target);
      return (request: TailRequest, asking: FollowAsking) => {
        resolve(asking.signal);
        return target.tail(request, asking);
      };
    },
  });
  return { watched, begun };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
