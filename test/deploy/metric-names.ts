import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const DEPLOY = fileURLToPath(new URL("../../../deploy/", import.meta.url));

/** A file below `deploy/`. */
export function deployPath(name: string): string {
  return join(DEPLOY, name);
}

export function deployText(name: string): string {
  return readFileSync(deployPath(name), "utf8");
}

/** A rule for alerts. */
export interface Rule {
  readonly alert: string;
  readonly expr: string;
}

export function alertRules(): readonly Rule[] {
  const { groups } = parse(deployText("prometheus/alerts.yaml")) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

interface Panel {
  readonly targets?: readonly { readonly expr: string }[];
}

/** Every expression of the dashboard, with Grafana's variables as Prometheus has them. */
export function dashboardExpressions(): readonly string[] {
  const { panels } = JSON.parse(deployText("grafana/auditql.json")) as { readonly panels: readonly Panel[] };
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return expressions.map((expr) => expr.replaceAll(/\$__(rate_interval|range)/g, "5m").replaceAll("$instance", ".*"));
}

/** A series that an expression asks for: its name, and the labels that it is chosen or grouped by. */
export interface Selector {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const SELECTOR = /\b((?:auditql|process|nodejs)_\w+)(?:\{([^}]*)\})?/g;
const MATCHER = /(\w+)(?:=~|!=|!~|=)"([^"]*)"/g;

export function selectorsIn(expr: string): readonly Selector[] {
  return Array.from(expr.matchAll(SELECTOR), ([, name = "", matchers = ""]) => ({
    name,
    labels: Object.fromEntries(Array.from(matchers.matchAll(MATCHER), ([, label = "", value = ""]) => [label, value])),
  }));
}

/** The labels that an expression groups by, and those that its texts name. */
export function groupedBy(expr: string): readonly string[] {
  return Array.from(expr.matchAll(/\bby \(([^)]*)\)/g), ([, names = ""]) => names.split(",")).flatMap((names) =>
    names.map((name) => name.trim()),
  );
}
