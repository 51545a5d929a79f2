import type { Metrics } from "../../src/operations/metrics.js";

/** Each line of Prometheus's text as `name{labels}` and its value. */
export function parsed(text: string): Readonly<Record<string, number>> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const blank = line.lastIndexOf(" ");
      return [line.slice(0, blank), Number(line.slice(blank + 1))];
    }),
  );
}

export async function samples(metrics: Metrics): Promise<Readonly<Record<string, number>>> {
  return parsed(await metrics.text());
}
