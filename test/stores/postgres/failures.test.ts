import { describe, expect, test } from "@jest/globals";
import pg from "pg";
import { portFailure, reasonOf } from "../../../src/stores/postgres/failures.js";

/** As the server says it. */
function said(code: string, words: string): pg.DatabaseError {
  const error = new pg.DatabaseError(words, words.length, "error");
  error.code = code;
  return error;
}

const coded = (code: string): Error => Object.assign(new Error(`connect ${code} 10.0.0.5:5432`), { code });

describe("a failure", () => {
  test.each([
    said("57P03", "the database system is starting up"),
    said("57P01", "terminating connection due to administrator command"),
    said("25P03", "terminating connection due to idle-in-transaction timeout"),
    said("25006", "cannot execute INSERT in a read-only transaction"),
    said("42P05", 'prepared statement "append" already exists'),
    said("26000", 'prepared statement "append" does not exist'),
    said("53300", "sorry, too many clients already"),
    said("08P01", "server login has been failing, try again later (server_login_retry)"),
  ])("that the server calls $code is UNAVAILABLE, passes by itself, and is named by it", (failure) => {
    const { code = "" } = failure;
    expect(portFailure(failure)).toMatchObject({
      code: "UNAVAILABLE",
      retryAfterMs: expect.any(Number),
      passing: `SQLSTATE ${code}`,
      message: expect.not.stringContaining(code),
    });
    expect(reasonOf(failure)).toBe(`${failure.message} (SQLSTATE ${code})`);
  });

  test.each(["ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "EAI_AGAIN", "ENOTFOUND", "EHOSTUNREACH"])(
    "of the network, %s, passes by itself, and what anyone may read of it names no address",
    (code) => {
      expect(portFailure(coded(code))).toMatchObject({ code: "UNAVAILABLE", passing: code });
    },
  );

  test.each([
    ["timeout", new Error("Connection terminated due to connection timeout")],
    ["timeout", new Error("no answer within 5000 ms")],
    ["connection lost", new Error("Connection terminated unexpectedly")],
  ])("that the driver alone knows passes by itself: %s", (passing, failure) => {
    expect(portFailure(failure)).toMatchObject({ code: "UNAVAILABLE", passing });
  });

  test.each([
    ["a wrong password", said("28P01", 'password authentication failed for user "auditql"')],
    ["no such database", said("3D000", 'database "x" does not exist')],
    ["no right", said("42501", "permission denied for schema auditql")],
    ["a parameter that the pooler refuses", said("08P01", "unsupported startup parameter: options")],
    ["no password", new Error("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string")],
    ["a certificate that nobody vouches for", coded("DEPTH_ZERO_SELF_SIGNED_CERT")],
    ["a server without TLS", new Error("The server does not support SSL connections")],
  ])("that an operator has to mend is UNAVAILABLE, and not waited for: %s", (_what, failure) => {
    expect(portFailure(failure)).toMatchObject({ code: "UNAVAILABLE", passing: undefined });
  });

  test("that is a mistake of ours stays what it is", () => {
    const failure = said("42601", "syntax error");
    expect(portFailure(failure)).toBe(failure);
  });
});
