import type { StoredEntry } from "../../src/audit/store.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";

/** Gives back what was logged, but for the entries that the test has changed in it. */
export class TamperedStore extends MemoryLogStore {
  readonly changed = new Set<number>();

  override async entries(log: string, leafIndexes: readonly number[]): Promise<readonly (StoredEntry | undefined)[]> {
    const entries = await super.entries(log, leafIndexes);
    return entries.map((entry) =>
      entry !== undefined && this.changed.has(entry.leafIndex) ? { ...entry, canonical: "{}" } : entry,
    );
  }

  /** The ids of events that another gateway logs: who logged entries has them in memory, and would not see that they were changed. */
  async logged(events: readonly object[]): Promise<readonly string[]> {
    const writer = await testGateway(await openTestService({ store: this }));
    const mutation = "mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { entries { id } } }";
    const { data } = await writer.text(mutation, { events });
    const { entries } = data?.["logBulk"] as { readonly entries: readonly { readonly id: string }[] };
    await writer.close();
    return entries.map(({ id }) => id);
  }
}
