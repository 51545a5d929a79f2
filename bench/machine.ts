import { cpus, totalmem } from "node:os";

/** One line that says what the figures below it were measured on. */
export function machine(): string {
  const [cpu] = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.versions.node}, ${cpus().length} x ${cpu?.model ?? "unknown processor"}, ${memoryGiB} GiB, ${process.platform}`;
}

export const perSecond = (count: number, ms: number): number => (count * 1000) / ms;

/** 12345.6 as `12,346`; small figures keep two digits. */
export function figure(value: number): string {
  return value < 100
    ? value.toLocaleString("en", { maximumFractionDigits: 2 })
    : Math.round(value).toLocaleString("en");
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Processor time of the whole process that some work takes, in microseconds: a figure that a busy machine disturbs less. */
export function processorMicros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
