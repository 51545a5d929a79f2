import { parseIntoClientConfig } from "pg-connection-string";
import type pg from "pg";
import { badInput } from "../../audit/errors.js";

/**
 * Which sessions may be used, named as in libpq: `any`; `read-write`, one that may write; `primary`, one of a server
 * that is not a standby.
 */
export type SessionAttributes = (typeof ATTRIBUTES)[number];

const ATTRIBUTES = ["any", "read-write", "primary"] as const;

/** A parsed connection URL. */
export interface DatabaseUrl {
  /** The configuration of each host, in order; at least one. */
  readonly hosts: readonly pg.ClientConfig[];
  readonly wanted: SessionAttributes;
}

/** Scheme, user and password, hosts; then path and query. The password may hold an `@`, a host may not. */
const PARTS = /^([a-z]+:\/\/)([^/?#]*@)?([^/?#]*)(.*)$/is;

/**
 * Parses a connection URL, which may name several hosts as in libpq (PostgreSQL manual, "Specifying Multiple Hosts"):
 * `postgres://a:5432,b:5433/db`, or `?host=a,b&port=5432,5433`. Several hosts must belong to one cluster; only its
 * primary is used unless `target_session_attrs` says otherwise. Throws BAD_USER_INPUT, which never quotes the password.
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  const [, scheme = "", login = "", authority = "", rest = ""] = PARTS.exec(url) ?? [];
  if (scheme === "") return { hosts: [readHost(url, "the URL")], wanted: "any" };
  const [path = "", query = ""] = rest.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const names = hostsIn(parameters) ?? authority.split(",");
  const others = parameters.size === 0 ? "" : `?${parameters.toString()}`;
  const hosts = names.map((host) => {
    if (host === "" && names.length > 1) throw unusable("a name between the commas", "none");
    return readHost(`${scheme}${login}${host}${path}${others}`, host);
  });
  return { hosts, wanted: attributesIn(parameters) ?? (hosts.length > 1 ? "read-write" : "any") };
}

/** Removes several hosts from the query; a single one is left to the driver. */
function hostsIn(parameters: URLSearchParams): readonly string[] | undefined {
  const hosts = (parameters.get("host") ?? "").split(",");
  if (hosts.length === 1) return undefined;
  const ports = (parameters.get("port") ?? "").split(",");
  if (ports.length !== 1 && ports.length !== hosts.length)
    throw unusable("one port, or one for each of the hosts", `${hosts.length} hosts and ${ports.length} ports`);
  parameters.delete("host");
  parameters.delete("port");
  return hosts.map((host, place) => {
    const port = ports[place] ?? ports[0] ?? "";
    return `${host.startsWith("/") ? encodeURIComponent(host) : host}${port === "" ? "" : `:${port}`}`;
  });
}

function readHost(url: string, host: string): pg.ClientConfig {
  try {
    return parseIntoClientConfig(url);
  } catch (failure) {
    // The parser's message may quote the URL and its password, so it is not shown; that of an unreadable file is.
    const isOfFile = failure instanceof Error && "syscall" in failure;
    throw unusable("postgres://user:password@host:port/database", isOfFile ? failure.message : JSON.stringify(host));
  }
}

function attributesIn(parameters: URLSearchParams): SessionAttributes | undefined {
  const given = parameters.get("target_session_attrs");
  if (given === null) return undefined;
  const known = ATTRIBUTES.find((attributes) => attributes === given);
  if (known === undefined) throw unusable(`target_session_attrs=${ATTRIBUTES.join(" or ")}`, JSON.stringify(given));
  return known;
}

function unusable(expected: string, got: string): Error {
  return badInput([{ path: "store", expected, got }]);
}
