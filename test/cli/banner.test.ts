import { expect, test } from "@jest/globals";
import { withoutPassword } from "../../src/cli/banner.js";

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
