import type pg from "pg";

/** A commit that the server made without what it is configured to wait for. */
export class UncertainCommit extends Error {
  override readonly name = "UncertainCommit";
}

interface Notice {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/**
 * The SQLSTATE of notices that are not warnings. Texts are translated, codes are not (PostgreSQL manual, appendix A).
 */
const SUCCESSFUL_COMPLETION = "00000";

/**
 * Returns the result of a statement that commits. When the wait for a synchronous standby was cut short, by a cancel
 * request or the end of the session, the commit returns success with a warning: it is visible, but on no standby. Our
 * commits cause no other warnings, so any warning rejects with UncertainCommit.
 */
export async function committing<Result>(client: pg.ClientBase, commit: () => Promise<Result>): Promise<Result> {
  const warnings: string[] = [];
  const listen = ({ code, message }: Notice): void => {
    if (code !== SUCCESSFUL_COMPLETION) warnings.push(message ?? "a warning");
  };
  client.on("notice", listen);
  try {
    const result = await commit();
    if (warnings.length > 0) throw new UncertainCommit(warnings.join("; "));
    return result;
  } finally {
    client.removeListener("notice", listen);
  }
}
