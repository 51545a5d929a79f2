import { expect, test } from "@jest/globals";
import { banner, withoutPassword } from "../../src/cli/banner.js";

test.each([
  ["postgres://auditql:s3cr:t@db.example/audit", "postgres://auditql:***@db.example/audit"],
  ["postgres://auditql:p@ss@db.example/audit", "postgres://auditql:***@db.example/audit"],
  [
    "postgres://db.example/audit?user=auditql&password=s3cret&ssl=true",
    "postgres://db.example/audit?user=auditql&password=***&ssl=true",
  ],
  ["postgres://auditql@db.example/audit", "postgres://auditql@db.example/audit"],
  ["sqlite:./data/audit.db", "sqlite:./data/audit.db"],
])("shows %s without its password", (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});

test.each([
  [
    "pangea+https://audit.example",
    "  Log        pangea+https://audit.example (that service keeps it; verified here)\n",
  ],
  ["pangea:aws.us.pangea.cloud", "  Log        pangea:aws.us.pangea.cloud (that service keeps it; verified here)\n"],
  ["sqlite:./audit.db", "  Log        sqlite:./audit.db\n"],
])("says who keeps the log: %s", (store, line) => {
  const started = { store, access: { kind: "open" }, url: "http://127.0.0.1:4000", verifierKey: "key" } as const;
  expect(banner(started)).toContain(line);
});
