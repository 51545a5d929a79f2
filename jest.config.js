// Tests run on what tsc wrote into build/, so worker threads and child processes load the very same files as production.
export default {
  testEnvironment: "node",
  rootDir: "build/test",
  testMatch: ["<rootDir>/**/*.test.js"],
  transform: {},
  testTimeout: 20_000,
};
