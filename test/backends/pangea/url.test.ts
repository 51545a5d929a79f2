import { expect, test } from "@jest/globals";
import { pangeaUrl } from "../../../src/backends/pangea-url.js";

test.each([
  ["pangea+https://audit.example.com", "https://audit.example.com/"],
  ["pangea+https://example.com/pangea/audit", "https://example.com/pangea/audit"],
  ["pangea+http://127.0.0.1:8931", "http://127.0.0.1:8931/"],
  ["pangea:aws.us.pangea.cloud", "https://audit.aws.us.pangea.cloud/"],
])("%s is a service at %s", (text, url) => {
  expect(pangeaUrl(text)).toBe(url);
});

test.each([
  "https://audit.example.com",
  "pangea+http://audit.example.com",
  "pangea+https://user:secret@example.com",
  "pangea+https://example.com/?token=x",
  "pangea+ftp://example.com",
  "pangea:example.com/path",
  "pangea:",
  "sqlite:pangea",
])("%s is none: its token would be shown, or sent elsewhere", (text) => {
  expect(pangeaUrl(text)).toBeUndefined();
});
