import { isIPv4 } from "node:net";

/**
 * Whether a host can only be this machine: `localhost`, 127.0.0.0/8 (RFC 1122 section 3.2.1.3), `::1` with or without
 * brackets.
 */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return ["localhost", "::1", "[::1]"].includes(host.toLowerCase());
}

/** The host of a Host header, without its port. */
export function hostOf(header: string): string {
  return header.replace(/:\d*$/, "");
}
