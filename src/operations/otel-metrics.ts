import { createNoopMeter, metrics, type Attributes, type Histogram, type Meter } from "@opentelemetry/api";
import type { Registry } from "prom-client";

/** The meter of the SDK that the process was started with. Undefined without one, so that nothing is measured twice. */
export function registeredMeter(): Meter | undefined {
  const meter = metrics.getMeter("auditql");
  return meter === createNoopMeter() ? undefined : meter;
}

/**
 * The measures of a registry for an OpenTelemetry SDK, by its names: `auditql_root_age_seconds` is `auditql.root.age` in `s`,
 * from which exporters to Prometheus make the first again. What a registry counts is read when the SDK collects; durations
 * and sizes, of which it keeps no single values, are recorded beside it.
 */
export class OtelMetrics {
  readonly #histograms = new Map<string, Histogram>();
  readonly #observed = new Set<string>();

  constructor(
    private readonly registry: Registry,
    private readonly meter: Meter,
  ) {}

  counter(name: string, description: string): void {
    this.#observe(name, (unit) => this.meter.createObservableCounter(otelName(name), { description, ...unit }));
  }

  gauge(name: string, description: string): void {
    this.#observe(name, (unit) => this.meter.createObservableGauge(otelName(name), { description, ...unit }));
  }

  histogram(name: string, description: string, explicitBucketBoundaries: number[]): void {
    const options = { description, ...unitOf(name), advice: { explicitBucketBoundaries } };
    this.#histograms.set(name, this.meter.createHistogram(otelName(name), options));
  }

  record(name: string, value: number, attributes: Attributes): void {
    this.#histograms.get(name)?.record(value, attributes);
  }

  /** A name that is taken again, by an engine that is opened again, is read from whatever has it now. */
  #observe(
    name: string,
    create: (unit: { readonly unit?: string }) => ReturnType<Meter["createObservableGauge"]>,
  ): void {
    if (this.#observed.has(name)) return;
    this.#observed.add(name);
    create(unitOf(name)).addCallback(async (result) => {
      const { values = [] } = (await this.registry.getSingleMetric(name)?.get()) ?? {};
      for (const { value, labels } of values) result.observe(value, labels);
    });
  }
}

/** The conventions for names: dots between words, no unit, no `total`. */
function otelName(name: string): string {
  return name.replace(/_(seconds|total)$/, "").replaceAll("_", ".");
}

function unitOf(name: string): { readonly unit?: string } {
  return name.endsWith("_seconds") ? { unit: "s" } : {};
}
