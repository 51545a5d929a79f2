import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SETTINGS } from "../../src/settings/table.js";
import { describeWith, findProgram } from "../service.js";
import { deployText } from "./metric-names.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Where the unit's first comment installs the package. */
const INSTALLED = "/opt/auditql/node_modules/auditql/";
/** docs/operating.md says what it is good for. */
const YOUNG_GENERATION = "--max-semi-space-size=32";
const unit = deployText("systemd/auditql.service");

interface Package {
  readonly version: string;
  readonly bin: { readonly auditql: string };
}

describe("the unit for systemd", () => {
  test("starts the program that package.json names, and gives it longer than it takes to stop", () => {
    const { bin, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Package;
    expect(unit).toContain(`ExecStart=/usr/bin/node ${YOUNG_GENERATION} ${INSTALLED}${bin.auditql} serve\n`);
    expect(unit).toContain(`npm install --prefix /opt/auditql ./auditql-${version}.tgz `);
    expect(existsSync(join(ROOT, bin.auditql))).toBe(true);
    expect(Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1])).toBeGreaterThan(10);
  });

  test("and every other way to start a server give Node the same young generation", () => {
    for (const path of [
      "Dockerfile",
      "package.json",
      "docs/production.md",
      "docs/operating.md",
      "bench/gateway/served.ts",
    ]) {
      expect([path, readFileSync(join(ROOT, path), "utf8").includes(YOUNG_GENERATION)]).toEqual([path, true]);
    }
  });

  test("names settings that there are, and sets none that a file of a secret would contradict", () => {
    const settings = SETTINGS.rows.map(({ variable }) => variable);
    const named = unit.match(/\b(?:AUDITQL_\w+|REDIS_URL\w*)/g) ?? [];
    expect(named).toContain("AUDITQL_STORE_FILE");
    expect(named.filter((name) => !settings.includes(name))).toEqual([]);
    expect(unit).not.toMatch(/^Environment=.*(AUDITQL_STORE|REDIS_URL)=/m);
  });
});

describeWith("systemd-analyze", findProgram("systemd-analyze") !== undefined, () => {
  let folder: string;
  let path: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "auditql-systemd-"));
    path = join(folder, "auditql.service");
    // systemd-analyze wants the program to be there.
    writeFileSync(path, unit.replace(`/usr/bin/node ${INSTALLED}`, `${process.execPath} ${ROOT}`));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("is a unit without an unknown line", () => {
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
    // It also verifies the units that this one is after, which are the machine's own.
    const own = stderr.split("\n").filter((line) => line.includes("auditql"));
    expect([status, own]).toEqual([0, []]);
    writeFileSync(join(folder, "wrong.service"), unit.replace("ProtectHome=", "ProtectHomme="));
    const wrong = spawnSync("systemd-analyze", ["verify", join(folder, "wrong.service")], { encoding: "utf8" });
    expect(wrong.stderr).toContain("ProtectHomme");
  });

  test("is confined, by systemd's own measure", () => {
    const said = execFileSync("systemd-analyze", ["security", "--offline=true", "--threshold=20", path], {
      encoding: "utf8",
    });
    expect(said).toMatch(/Overall exposure level for auditql\.service: [01]\.\d OK/);
  });
});
