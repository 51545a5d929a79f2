import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { ALARM_CODES, type AlarmCode } from "../audit/alarm.js";
import { DOWNLOAD_FORMATS, type DownloadFormat } from "../audit/download-link.js";
import { BoundedNames } from "./bounded-names.js";
import { OtelMetrics, registeredMeter } from "./otel-metrics.js";
import { packageVersion } from "./package.js";

/** An operation that has ended. */
export interface MeasuredOperation {
  /** Undefined when the client gave it no name. */
  readonly name: string | undefined;
  readonly type: "query" | "mutation" | "subscription" | "unknown";
  /** `OK`, or the code of the first error. */
  readonly code: string;
  readonly ms: number;
}

/** The outcome of a batch: `error` when the store did not report one. */
export interface MeasuredAppend {
  readonly log: string;
  readonly events: number;
  readonly outcome: (typeof APPEND_OUTCOMES)[number];
  readonly ms: number;
}

/** A download through a link. */
export interface MeasuredDownload {
  readonly format: DownloadFormat;
  readonly outcome: (typeof DOWNLOAD_OUTCOMES)[number];
  readonly entries: number;
}

/** A request that was refused before an operation or a download began. */
export interface MeasuredRefusal {
  readonly entrance: string;
  readonly code: string;
}

const APPEND_OUTCOMES = ["appended", "conflict", "repeated", "error"] as const;
const DOWNLOAD_OUTCOMES = ["complete", "stopped", "slow", "failed"] as const;
const CACHE_OUTCOMES = ["hit", "miss", "unavailable"] as const;

/** A number for each log. */
export type PerLog = ReadonlyMap<string, number>;

export interface WatchedNumbers {
  /** The label of the numbers. Default: a log. */
  readonly label?: string;
  readonly read: () => Promise<ReadonlyMap<string, number>>;
}

const MAX_OPERATION_NAMES = 100;
const DURATIONS = {
  operations: "auditql_operation_duration_seconds",
  appends: "auditql_append_duration_seconds",
} as const;
const BATCH_EVENTS = "auditql_batch_events";
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const EVENTS = [1, 4, 16, 64, 256, 1_024, 4_096];

/** The metrics of one gateway, in the text format of Prometheus. They contain no text that an event could bring. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #names = new BoundedNames(MAX_OPERATION_NAMES);
  readonly #operations = new Histogram({
    name: DURATIONS.operations,
    help: "GraphQL operations that were answered.",
    labelNames: ["operation", "type", "code"],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #events = new Counter({
    name: "auditql_events_logged_total",
    help: "Events that became durable through this gateway.",
    labelNames: ["log"],
    registers: [this.#registry],
  });
  readonly #batches = new Histogram({
    name: BATCH_EVENTS,
    help: "Events of the batches that the store was given.",
    buckets: EVENTS,
    registers: [this.#registry],
  });
  readonly #appends = new Histogram({
    name: DURATIONS.appends,
    help: "How long the store took over a batch.",
    labelNames: ["outcome"],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #roots = new Counter({
    name: "auditql_root_cache_reads_total",
    help: "Reads of the root cache; unavailable: its engine was unreachable.",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });

  readonly #downloads = new Counter({
    name: "auditql_downloads_total",
    help: "Files of entries; stopped: the reader was gone, or too slow.",
    labelNames: ["format", "outcome"],
    registers: [this.#registry],
  });
  readonly #downloadedEntries = new Counter({
    name: "auditql_downloaded_entries_total",
    help: "Entries that were read for files.",
    registers: [this.#registry],
  });

  readonly #refusals = new Counter({
    name: "auditql_refused_requests_total",
    help: "Requests that were refused before an operation, or a download, began.",
    labelNames: ["entrance", "code"],
    registers: [this.#registry],
  });

  readonly #build = new Gauge({
    name: "auditql_build_info",
    help: "1, with what is running.",
    labelNames: ["version"],
    registers: [this.#registry],
  });

  readonly #alarms = new Counter({
    name: "auditql_alarms_total",
    help: "What an operator must look at: damage in what is stored or signed, a wrong clock, a changed index.",
    labelNames: ["code"],
    registers: [this.#registry],
  });

  /** The same for an OpenTelemetry SDK, where the process has one. */
  readonly #otel: OtelMetrics | undefined;

  /**
   * Prometheus does not see the first step of a series that starts with it, so series that must be noticed start at 0.
   */
  constructor() {
    this.#otel = this.#shared();
    collectDefaultMetrics({ register: this.#registry });
    this.#build.set({ version: packageVersion() }, 1);
    for (const code of ALARM_CODES) this.#alarms.inc({ code }, 0);
    for (const outcome of APPEND_OUTCOMES) this.#appends.zero({ outcome });
    for (const outcome of CACHE_OUTCOMES) this.#roots.inc({ outcome }, 0);
    for (const format of DOWNLOAD_FORMATS)
      for (const outcome of DOWNLOAD_OUTCOMES) this.#downloads.inc({ format, outcome }, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  operation({ name, type, code, ms }: MeasuredOperation): void {
    const operation = name === undefined ? "anonymous" : this.#names.label(name);
    const labels = { operation, type, code };
    this.#operations.observe(labels, ms / 1_000);
    this.#otel?.record(DURATIONS.operations, ms / 1_000, labels);
  }

  append({ log, events, outcome, ms }: MeasuredAppend): void {
    this.#batches.observe(events);
    this.#appends.observe({ outcome }, ms / 1_000);
    this.#otel?.record(BATCH_EVENTS, events, {});
    this.#otel?.record(DURATIONS.appends, ms / 1_000, { outcome });
    if (outcome === "appended") this.#events.inc({ log }, events);
  }

  /** The logs that will be written: their counts start at 0. */
  knowLogs(logs: readonly string[]): void {
    for (const log of logs) this.#events.inc({ log }, 0);
  }

  alarm(code: AlarmCode): void {
    this.#alarms.inc({ code });
  }

  rootCacheRead(outcome: (typeof CACHE_OUTCOMES)[number]): void {
    this.#roots.inc({ outcome });
  }

  download({ format, outcome, entries }: MeasuredDownload): void {
    this.#downloads.inc({ format, outcome });
    this.#downloadedEntries.inc(entries);
  }

  refusal({ entrance, code }: MeasuredRefusal): void {
    this.#refusals.inc({ entrance, code });
  }

  /** A refusal that may occur: its count starts at 0. */
  knowRefusal({ entrance, code }: MeasuredRefusal): void {
    this.#refusals.inc({ entrance, code }, 0);
  }

  /** A number that is read when the metrics are. */
  watch(name: string, help: string, read: () => number): void {
    this.#registry.removeSingleMetric(name);
    this.#otel?.gauge(name, help);
    new Gauge({ name, help, registers: [this.#registry], collect: collectOne });
    function collectOne(this: Gauge): void {
      this.set(read());
    }
  }

  /**
   * Numbers that are read with the metrics, one for each log or other value of the label; left out when the read fails.
   */
  watchEach(name: string, help: string, { label = "log", read }: WatchedNumbers): void {
    // An engine that could not be opened at first has registered one already.
    this.#registry.removeSingleMetric(name);
    this.#otel?.gauge(name, help);
    new Gauge({ name, help, labelNames: [label], registers: [this.#registry], collect: collectAll });
    async function collectAll(this: Gauge): Promise<void> {
      this.reset();
      const values = await read().catch((): PerLog => new Map());
      for (const [of, value] of values) this.set({ [label]: of }, value);
    }
  }

  /** Everything measured so far: the fields of the constructor. */
  #shared(): OtelMetrics | undefined {
    const meter = registeredMeter();
    if (meter === undefined) return undefined;
    const otel = new OtelMetrics(this.#registry, meter);
    for (const metric of this.#registry.getMetricsAsArray()) {
      const { name, help } = metric;
      if (metric instanceof Counter) otel.counter(name, help);
      else if (metric instanceof Gauge) otel.gauge(name, help);
      else otel.histogram(name, help, name === BATCH_EVENTS ? EVENTS : SECONDS);
    }
    return otel;
  }
}
