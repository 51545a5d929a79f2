import { describe, expect, test } from "@jest/globals";
import { parseEnvelope } from "../../src/core/format.js";

const AT = "2026-01-01T00:00:00.000000Z";

describe("parseEnvelope", () => {
  test.each([
    [`{"event":{"message":"m"},"received_at":"${AT}"}`],
    [`{"event":{"actor":"a","message":{"a":1}},"public_key":"k","received_at":"${AT}","signature":"s"}`],
    [`{"event":{"message":[1,null],"new":false,"old":0,"timestamp":1767225600.5},"received_at":"${AT}"}`],
    [`{"event":{"message":"\\u0000","new":6.02e+23},"received_at":"${AT}"}`],
    [`{"err":[],"event":{"field_int":1,"message":"x"},"received_at":"${AT}"}`],
  ])("reads %s", (text) => {
    expect(parseEnvelope(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ["another spelling", `{"received_at":"${AT}","event":{"message":"m"}}`],
    ["no event", `{"received_at":"${AT}"}`],
    ["an event without a message", `{"event":{},"received_at":"${AT}"}`],
    ["an actor that is no text", `{"event":{"actor":1,"message":"m"},"received_at":"${AT}"}`],
    ["a null message", `{"event":{"message":null},"received_at":"${AT}"}`],
    ["a null value", `{"event":{"message":"m","new":null},"received_at":"${AT}"}`],
    ["a time that is a boolean", `{"event":{"message":"m","timestamp":true},"received_at":"${AT}"}`],
    ["a time with three digits", '{"event":{"message":"m"},"received_at":"2026-01-01T00:00:00.000Z"}'],
    ["a signature that is no text", `{"event":{"message":"m"},"received_at":"${AT}","signature":1}`],
    ["no object", "[]"],
    ["no JSON", "nonsense"],
  ])("refuses %s", (_, text) => {
    expect(parseEnvelope(text)).toBeUndefined();
  });
});
