import { expect, test } from "@jest/globals";
import { allowsGzip } from "../../src/http/encoding.js";

test.each([
  [undefined, false],
  ["gzip", true],
  ["gzip, deflate, br", true],
  ["GZIP;Q=0.5", true],
  ["x-gzip", true],
  ["*", true],
  ["br, *;q=0.1", true],
  ["", false],
  ["identity", false],
  ["br", false],
  ["gzip;q=0", false],
  ["gzip; q=0.000", false],
  ["gzip;q=nonsense", false],
  ["gzip;q=0, *;q=1", false],
  ["*;q=0", false],
] as const)("Accept-Encoding %j takes gzip: %j", (header, expected) => {
  expect(allowsGzip(header)).toBe(expected);
});
