import { describe, expect, test } from "@jest/globals";
import { parseDatabaseUrl } from "../../../src/stores/postgres/database-url.js";

const placesOf = (url: string): readonly string[] =>
  parseDatabaseUrl(url).hosts.map(({ host, port, user, password, database }) =>
    [user, password, host, port, database].map((part) => String(part ?? "")).join(" "),
  );

describe("a connection URL", () => {
  test.each<[string, readonly string[]]>([
    ["postgres://u:p@db.internal/audit", ["u p db.internal  audit"]],
    ["postgres://u:p%40%2C@a:5432,b:5433/audit", ["u p@, a 5432 audit", "u p@, b 5433 audit"]],
    ["postgres://u@[::1]:5432,[::2]/audit?sslmode=disable", ["u  ::1 5432 audit", "u  ::2  audit"]],
    ["postgres://u@/audit?host=a,b&port=1,2", ["u  a 1 audit", "u  b 2 audit"]],
    ["postgres://u@/audit?host=a,b&port=7", ["u  a 7 audit", "u  b 7 audit"]],
    ["postgres://u@/audit?host=/run/a,/run/b", ["u  /run/a  audit", "u  /run/b  audit"]],
  ])("%s leads to each of its hosts, in order", (url, places) => {
    expect(placesOf(url)).toEqual(places);
  });

  test.each([
    ["postgres://a/x", "any"],
    ["postgres://a,b/x", "read-write"],
    ["postgres://a/x?target_session_attrs=read-write", "read-write"],
    ["postgres://a,b/x?target_session_attrs=primary", "primary"],
    ["postgres://a,b/x?target_session_attrs=any", "any"],
  ])("%s wants a session that is %s", (url, wanted) => {
    expect(parseDatabaseUrl(url).wanted).toBe(wanted);
  });

  test.each([
    ["postgres://u:secret@a,,b/x", "a name between the commas"],
    ["postgres://u:secret@a:port/x", "postgres://user:password@host:port/database"],
    ["postgres://u:secret@a,b:99999999/x", "postgres://user:password@host:port/database"],
    ["postgres://u:secret@/x?host=a,b,c&port=1,2", "one port, or one for each of the hosts"],
    ["postgres://u:secret@a/x?target_session_attrs=standby", "target_session_attrs=any or read-write or primary"],
    ["postgres://u:secret@a/x?sslrootcert=/nonexistent/ca.pem", "postgres://user:password@host:port/database"],
  ])("%s is refused in one sentence, without the password", (url, expected) => {
    const parse = (): unknown => parseDatabaseUrl(url);
    expect(parse).toThrow(expect.objectContaining({ code: "BAD_USER_INPUT" }));
    expect(parse).toThrow(`store: expected ${expected}, got `);
    expect(parse).not.toThrow("secret");
  });
});
