// Sums the JSON reports of jest's three runs and of the one on a cluster; a suite that could not run, and a skipped test, are failures.
import { readFileSync } from "node:fs";

const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const sum = (count) => reports.reduce((total, report) => total + count(report), 0);

const passed = sum((report) => report.numPassedTests);
const failed = sum(
  (report) => report.numFailedTests + report.numRuntimeErrorTestSuites + report.numPendingTests + report.numTodoTests,
);

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 && reports.length === 4 ? 0 : 1;
