import { expect, test } from "@jest/globals";
import { trustVerifierKey, verifyEntry } from "../../src/verify.js";
import { KEY, SmallLog } from "../cli/evidence.js";

test("a log is trusted by the verifier key that its gateway prints", () => {
  const entry = new SmallLog().entry(2);
  const verdicts = verifyEntry(trustVerifierKey(KEY, "rfc6962"), entry);
  expect(verdicts).toMatchObject({ hash: { kind: "VALID" }, membership: { kind: "VALID" } });
});

test.each(["", "example.com/log", KEY.slice(0, -4), KEY.replace("example.com", "example.org"), `${KEY}\n`])(
  "what is no verifier key is a mistake of the caller: %j",
  (text) => {
    expect(() => trustVerifierKey(text, "rfc6962")).toThrow(TypeError);
  },
);
