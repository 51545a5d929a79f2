import type pg from "pg";

/** A commit that the server did, without what it is configured to wait for. */
export class UncertainCommit extends Error {
  override readonly name = "UncertainCommit";
}

interface Notice {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** What notices have that are no warnings. Their texts are translated, these codes are not (PostgreSQL manual, appendix A). */
const SUCCESSFUL_COMPLETION = "00000";

/**
 * What a statement that commits returns. A commit whose wait for a synchronous standby was cut short, by a cancel request or
 * the end of its session, returns success with a warning: it is visible, and on no standby. No other warning comes with a
 * commit of ours, so any means that: rejects with UncertainCommit.
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
