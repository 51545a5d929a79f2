import { availableParallelism } from "node:os";

// Tests run on what tsc wrote into build/, so worker threads and child processes load the very same files as production.
export default {
  testEnvironment: "node",
  rootDir: "build/test",
  testMatch: ["<rootDir>/**/*.test.js"],
  transform: {},
  globalSetup: "<rootDir>/../../test/setup.js",
  globalTeardown: "<rootDir>/../../test/teardown.js",
  testSequencer: "<rootDir>/../../test/sequencer.js",
  // Most tests wait for processes of their own, so three files at once fit on two cores.
  maxWorkers: Math.max(3, Math.floor(availableParallelism() / 2)),
  // A worker keeps the modules of every file it has run: it is replaced before collecting them takes longer than the tests.
  workerIdleMemoryLimit: "1GB",
  // For what hangs: no test measures time.
  testTimeout: 60_000,
};
