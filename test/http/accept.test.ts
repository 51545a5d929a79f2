import { expect, test } from "@jest/globals";
import { allowsGzip, prefersHtml, requireJson } from "../../src/http/answer.js";

test.each([
  [undefined, false],
  ["gzip", true],
  ["gzip, deflate, br", true],
  ["GZIP;Q=0.5", true],
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
  expect(allowsGzip({ "accept-encoding": header })).toBe(expected);
});

test.each([
  undefined,
  "*/*",
  "application/*",
  "application/json",
  "application/graphql-response+json",
  "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
  "multipart/mixed, application/json;q=0.5",
])("Accept: %j takes JSON", (accept) => {
  expect(() => {
    requireJson(accept === undefined ? {} : { accept });
  }).not.toThrow();
});

test.each(["", "image/png", "text/html", "application/json;q=0", "application/json; charset=latin1", "nonsense"])(
  "Accept: %j does not",
  (accept) => {
    expect(() => {
      requireJson({ accept });
    }).toThrow(expect.objectContaining({ status: 406 }));
  },
);

test.each([
  ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true],
  ["text/html", true],
  ["application/json, text/html;q=0.9", false],
  ["application/json", false],
  ["*/*", false],
  ["", false],
  [undefined, false],
])("Accept: %j would have a page: %j", (accept, expected) => {
  expect(prefersHtml(accept === undefined ? {} : { accept })).toBe(expected);
});
