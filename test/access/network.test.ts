import { expect, test } from "@jest/globals";
import { isNetwork } from "../../src/access/network.js";

test.each(["10.0.0.1", "10.0.0.0/0", "10.0.0.0/32", "::1", "fe80::/128", "2001:db8::/32"])(
  "%j is a network",
  (text) => {
    expect(isNetwork(text)).toBe(true);
  },
);

test.each([
  "",
  "/8",
  "10.0.0",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0.0/-1",
  "::/129",
  "::/0128",
  "host/8",
])("%j is none", (text) => {
  expect(isNetwork(text)).toBe(false);
});
