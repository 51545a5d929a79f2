import autocannon from "autocannon";

/** A GraphQL request as it goes over the wire. */
export interface Operation {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface Load {
  readonly url: string;
  /** The body of each request. */
  readonly operation: object;
  /** A second request, at another path, that each connection sends after each: both count as one. */
  readonly then?: { readonly path: string; readonly operation: object };
  readonly connections: number;
  readonly seconds: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends one operation over and over from many connections. Throws if anything but a data answer came back. */
export async function load({ url, operation, then, connections, seconds }: Load): Promise<Measured> {
  const first = { path: new URL(url).pathname, body: JSON.stringify(operation) };
  const requests = then === undefined ? [first] : [first, { path: then.path, body: JSON.stringify(then.operation) }];
  const result = await autocannon({
    url,
    method: "POST",
    headers: { "content-type": "application/json" },
    requests,
    connections,
    duration: seconds,
    verifyBody: (body) => !String(body).includes('"errors"'),
  });
  const bad = result.errors + result.non2xx + result.mismatches;
  if (bad > 0) throw new Error(`${bad} requests went wrong`);
  if (result.requests.total === 0) throw new Error("no request was answered");
  return { perSecond: result.requests.average / requests.length, p50Ms: result.latency.p50, p99Ms: result.latency.p99 };
}

/** Sends one operation once and answers its data. */
export async function ask(url: string, operation: Operation): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(operation),
  });
  const answer: unknown = await response.json();
  if (typeof answer !== "object" || answer === null || !("data" in answer) || "errors" in answer) {
    throw new Error(`unexpected answer: ${JSON.stringify(answer)}`);
  }
  return answer.data;
}

/** Sends a ready-made body once; throws unless it was answered with data. */
export async function post(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = await response.text();
  if (answer.includes('"errors"')) throw new Error(`unexpected answer: ${answer.slice(0, 500)}`);
}
