import { logs, type AnyValueMap, type Logger, type LogRecord } from "@opentelemetry/api-logs";
import { levels, multistream, type DestinationStream } from "pino";

/** Where the API keeps the provider that an SDK registers; it says nowhere whether there is one. */
const REGISTERED = Symbol.for("io.opentelemetry.js.api.logs");

/** A line of the log, as pino writes it. */
interface Line {
  readonly level: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly msg?: string;
  readonly err?: { readonly type?: string; readonly message?: string; readonly stack?: string };
  readonly [member: string]: unknown;
}

/** The logger of the SDK that the process was started with. Undefined without one, so that no line is read again. */
export function registeredLogger(): Logger | undefined {
  return REGISTERED in globalThis ? logs.getLogger("auditql") : undefined;
}

/** Where lines go: to their destination, and to an SDK if there is one, in the trace that they are written in. */
export function alsoToSdk(destination: DestinationStream, sdk = registeredLogger()): DestinationStream {
  if (sdk === undefined) return destination;
  const records = {
    write(line: string): void {
      sdk.emit(recordOf(JSON.parse(line) as Line));
    },
  };
  return multistream([destination, records].map((stream) => ({ level: "trace", stream })));
}

/** By the conventions: pino's 10 to 60 are 1 to 21; whose process it is, the SDK knows. */
function recordOf({ level, time, msg, err, pid: _pid, hostname: _host, name: _name, ...members }: Line): LogRecord {
  const exception = {
    ...{ "exception.type": err?.type, "exception.message": err?.message, "exception.stacktrace": err?.stack },
  };
  return {
    timestamp: time,
    severityNumber: Math.floor(level / 10) * 4 - 3,
    severityText: levels.labels[level] ?? String(level),
    body: msg ?? "",
    attributes: { ...(members as AnyValueMap), ...(err !== undefined && exception) },
  };
}
