import { createHash } from "node:crypto";

/** What the network does with a request. Those that end in `-after` do it when the service has responded. */
export const FAULTS = [
  ...["none", "none", "none", "delay", "repeat", "accepted", "429", "503", "html", "cut"],
  ...["503-after", "html-after", "cut-after", "half-after", "html-200-after"],
] as const;
export type Fault = (typeof FAULTS)[number];

/** A request on its way to the service. */
export interface Passing {
  readonly path: string;
  readonly body: string;
  /** Whether it names the tries before it, by which the service knows it again. */
  readonly isRetry: boolean;
}

/** Decides what becomes of a request. */
export type FaultPlan = (passing: Passing) => Fault;

/** Any fault: the n-th request to a path has the same one for the same seed. */
export function anyFaults(seed: number): FaultPlan {
  const draw = drawing(seed);
  return ({ path }) => draw(path, FAULTS);
}

const OF_POLLS = ["none", "delay", "503", "503-after", "repeat", "html", "html-after", "cut", "cut-after"] as const;
const OF_WRITES = ["none", "delay", "accepted", "503", "503-after"] as const;
/** A read may be sent again whatever became of it; a write that names its tries may come twice. */
const HIDDEN = {
  poll: OF_POLLS,
  read: [...OF_POLLS, "accepted"],
  write: OF_WRITES,
  retry: ["repeat", "delay", "503-after"],
} as const;

/** Faults that no client may notice: one request in three gets through, for a call is given up after four. */
export function hiddenFaults(seed: number): FaultPlan {
  const draw = drawing(seed);
  const tries = counting();
  return ({ path, body, isRetry }) => {
    if (tries(path + body) % 3 === 2) return "none";
    // What is polled cannot be named as a try that has failed, and so neither can its failure.
    if (path === "/v2/log_async") return draw(path, ["none", "delay", "503"]);
    if (isWrite(path)) return draw(path, HIDDEN[isRetry ? "retry" : "write"]);
    return draw(path, HIDDEN[path.startsWith("/request/") ? "poll" : "read"]);
  };
}

export function isWrite(path: string): boolean {
  return /^\/v\d\/log/.test(path);
}

function drawing(seed: number): (path: string, faults: readonly Fault[]) => Fault {
  const calls = counting();
  return (path, faults) => {
    const endpoint = path.startsWith("/request/") ? "/request" : path;
    const digest = createHash("sha256")
      .update(`${seed} ${endpoint} ${calls(endpoint)}`)
      .digest();
    return faults[digest.readUInt32BE() % faults.length] ?? "none";
  };
}

/** How often it was called with a name before. */
function counting(): (name: string) => number {
  const counts = new Map<string, number>();
  return (name) => {
    const before = counts.get(name) ?? 0;
    counts.set(name, before + 1);
    return before;
  };
}
