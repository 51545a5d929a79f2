import { logs, SeverityNumber, type AnyValueMap, type Logger, type LogRecord } from "@opentelemetry/api-logs";
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

/** Writes lines to their destination, and to an SDK if there is one, in the trace in which they are written. */
export function alsoToSdk(destination: DestinationStream, sdk = registeredLogger()): DestinationStream {
  if (sdk === undefined) return destination;
  const records = {
    write(line: string): void {
      sdk.emit(recordOf(JSON.parse(line) as Line));
    },
  };
  return multistream([destination, records].map((stream) => ({ level: "trace", stream })));
}

const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/** Members of a line that are not attributes: they have fields of their own, or the SDK knows them. */
const PLACED = new Set(["level", "time", "msg", "err", "pid", "hostname", "name"]);

/** By OpenTelemetry's conventions for logs and exceptions. */
function recordOf(line: Line): LogRecord {
  const { level, time, msg = "", err } = line;
  const severity = levels.labels[level] ?? "";
  const exception = {
    ...{ "exception.type": err?.type, "exception.message": err?.message, "exception.stacktrace": err?.stack },
  };
  const members = Object.fromEntries(Object.entries(line).filter(([name]) => !PLACED.has(name))) as AnyValueMap;
  return {
    timestamp: time,
    severityNumber: SEVERITIES[severity] ?? SeverityNumber.UNSPECIFIED,
    severityText: severity,
    body: msg,
    attributes: { ...members, ...(err !== undefined && exception) },
  };
}
