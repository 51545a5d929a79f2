import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../src/core/bytes.js";
import { eventRules } from "../../src/core/event-rules.js";
import { EVENT_FIELDS, type AuditEvent } from "../../src/core/event.js";
import { MAX_JSON_DEPTH } from "../../src/core/json.js";
import { MAX_SIGNATURE_CHARACTERS } from "../../src/core/signature.js";
import { VectorLog } from "../vectors/document.js";

const DOCUMENT = readFileSync("docs/format.md", "utf8");
const log = new VectorLog("rfc6962");
const signedEvent: AuditEvent = { actor: "alice", message: "event 1" };

describe("docs/format.md", () => {
  test.each([
    ["the canonical text of entry 0", `\n${log.texts[0] ?? ""}\n`],
    ["its length", `${utf8(log.texts[0] ?? "").length} bytes`],
    ["its leaf in an rfc6962 log", `rfc6962 ${log.hash(0, 1)}`],
    ["its leaf in a pangea log", `pangea  ${new VectorLog("pangea").hash(0, 1)}`],
    ["leaf 0", `leaf 0  ${log.hash(0, 1)}`],
    ["leaf 1", `leaf 1  ${log.hash(1, 2)}`],
    ["leaf 2", `leaf 2  ${log.hash(2, 3)}`],
    ["the node over leaves 0 and 1", `[0, 2)  ${log.hash(0, 2)}`],
    ["the root of three leaves", `root 3  ${log.hash(0, 3)}`],
    ["the text that is signed", `\n${log.format.signedText(signedEvent)}\n`],
    ["the length of what is signed", `${utf8(log.format.signedText(signedEvent)).length} bytes`],
    ["the signed envelope", `\n${log.texts[1] ?? ""}\n`],
    ["the checkpoint", `\n${log.checkpoint(3)}`],
    ["how deep objects nest", `at most ${MAX_JSON_DEPTH} deep`],
    ["how long a public key is", `${MAX_SIGNATURE_CHARACTERS} characters at most`],
  ])("shows %s as the code makes it", (_, text) => {
    expect(DOCUMENT).toContain(text);
  });

  test.each(EVENT_FIELDS)("names the field %s with its limit in both formats", (field) => {
    const row = DOCUMENT.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${field}\``));
    const [limit = "", pangeaLimit = ""] =
      row
        ?.split("|")
        .slice(3)
        .map((cell) => cell.trim()) ?? [];
    const written = (["rfc6962", "pangea"] as const).map((format) => {
      const { most, unit } = eventRules(format).limits[field];
      return `${most.toLocaleString("en")} ${unit}`;
    });
    expect([limit, pangeaLimit]).toEqual(written);
  });
});
