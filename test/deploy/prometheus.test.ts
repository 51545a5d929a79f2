import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ALARM_CODES } from "../../src/audit/alarm.js";
import { ERRORS } from "../../src/graphql/error-table.js";
import { type GatewayProcess, gatewayFolder, graphqlRequest, removeFolder, startGateway } from "../gateway.js";
import { parsed } from "../operations/samples.js";
import { describeWith, findProgram } from "../service.js";
import { hasPostgres, somePostgres, type PostgresServer } from "../stores/postgres/server.js";
import {
  alertRules,
  dashboardExpressions,
  deployPath,
  deployText,
  groupedBy,
  selectorsIn,
  type Selector,
} from "./metric-names.js";

const run = promisify(execFile);
const promtool = findProgram("promtool");

describeWith("promtool", promtool !== undefined, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "auditql-promtool-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const promtoolSays = async (...args: readonly string[]): Promise<string> =>
    (await run(promtool ?? "promtool", args)).stdout;

  test("the alerts are raised when they should be, and not when all is well", async () => {
    expect(await promtoolSays("test", "rules", deployPath("prometheus/alerts.test.yaml"))).toContain("SUCCESS");
  });

  test("the configuration is one that Prometheus takes", async () => {
    const token = join(folder, "auditql.token");
    writeFileSync(token, "aql_\n");
    const text = deployText("prometheus/prometheus.yml");
    expect(text).toContain("/etc/prometheus/auditql.token");
    writeFileSync(join(folder, "alerts.yaml"), deployText("prometheus/alerts.yaml"));
    writeFileSync(join(folder, "prometheus.yml"), text.replace("/etc/prometheus/auditql.token", token));
    expect(await promtoolSays("check", "config", join(folder, "prometheus.yml"))).toContain("SUCCESS");
  });

  test("the dashboard's expressions are ones that Prometheus takes", async () => {
    const rules = dashboardExpressions().map((expr, at) => ({ record: `panel:${at}`, expr }));
    expect(rules.length).toBeGreaterThan(20);
    writeFileSync(join(folder, "dashboard.yaml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(await promtoolSays("check", "rules", join(folder, "dashboard.yaml"))).toContain(
      `${rules.length} rules found`,
    );
  });
});

test("every alert is one that the tests of the rules see raised", () => {
  const tests = deployText("prometheus/alerts.test.yaml");
  const names = alertRules().map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  const seen = names.filter((name) =>
    [`alertname="${name}"`, `alertname: ${name}\n`].some((spelling) => tests.includes(spelling)),
  );
  expect(seen).toEqual(names);
});

describeWith("PostgreSQL", hasPostgres(), () => {
  const folder = gatewayFolder();
  let server: PostgresServer;
  let gateway: GatewayProcess;
  let series: readonly Selector[];

  /** A gateway has all of its series when something was logged, found and refused, and PostgreSQL keeps its log. */
  beforeAll(async () => {
    server = await somePostgres();
    gateway = await startGateway({ folder, env: { AUDITQL_STORE: await server.newDatabase() } });
    await graphqlRequest(gateway.url, 'mutation { log(event: { message: "m" }) { root { treeSize } } }');
    await graphqlRequest(gateway.url, '{ search(query: "m") { totalCount } }');
    await fetch(`${gateway.url}/nothing`);
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    series = Object.keys(parsed(text)).map((key) => selectorsIn(key)[0] ?? { name: key, labels: {} });
  });

  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
    await server.close();
  });

  /** What Prometheus adds to each series. */
  const ADDED = new Set(["instance", "job"]);
  /** Values that a series may have when there is something to tell. */
  const VALUES: Readonly<Record<string, readonly string[]>> = { code: [...Object.keys(ERRORS), ...ALARM_CODES, "OK"] };

  /** What of an expression no series of a real gateway has. */
  function unknownIn(expr: string): readonly string[] {
    const selectors = selectorsIn(expr);
    const named = selectors.flatMap(({ name, labels }) => {
      const found = series.filter((one) => one.name === name);
      if (found.length === 0) return [name];
      return Object.entries(labels).flatMap(([label, value]) => {
        if (ADDED.has(label)) return [];
        const values = found.flatMap((one) => one.labels[label] ?? []);
        const isKnown = values.includes(value) || (values.length > 0 && VALUES[label]?.includes(value) === true);
        return isKnown ? [] : [`${name}{${label}="${value}"}`];
      });
    });
    const grouped = groupedBy(expr).filter(
      (label) => !ADDED.has(label) && !selectors.some(({ name }) => hasLabel(name, label)),
    );
    return [...named, ...grouped.map((label) => `by (${label}) in ${expr}`)];
  }

  const hasLabel = (name: string, label: string): boolean =>
    series.some((one) => one.name === name && label in one.labels);

  describe("a gateway's own metrics", () => {
    test.each(alertRules().map(({ alert, expr }) => [alert, expr]))("have what %s asks for", (_alert, expr) => {
      if (!expr.startsWith("up{")) expect(selectorsIn(expr)).not.toEqual([]);
      expect(unknownIn(expr)).toEqual([]);
    });

    test.each(dashboardExpressions().map((expr) => [expr]))("have what the dashboard shows: %s", (expr) => {
      expect(selectorsIn(expr)).not.toEqual([]);
      expect(unknownIn(expr)).toEqual([]);
    });

    test("do not have what nothing measures", () => {
      for (const expr of [
        "auditql_alarms",
        'auditql_alarms_total{code="FLOOD"}',
        'auditql_alarms_total{kind="x"}',
        "sum by (log) (auditql_alarms_total)",
      ])
        expect(unknownIn(expr)).toHaveLength(1);
    });

    test("are all in docs/production.md", () => {
      const documented = deployText("../docs/production.md");
      const own = series.map(({ name }) => name.replace(/_(bucket|sum|count)$/, "")).filter(isOwn);
      expect(own.filter((name) => !documented.includes(name))).toEqual([]);
    });
  });
});

function isOwn(name: string): boolean {
  return name.startsWith("auditql_");
}
