import { alarmCodeOf, type AlarmCode } from "../audit/alarm.js";
import type { AuditService, Download, EntryOutcome } from "../audit/service.js";
import { replaced, wrapped } from "../audit/calls.js";
import type { Metrics } from "./metrics.js";

/** The audit service, with each alarm in what it returns or rejects with counted, whichever door had asked. */
export function countedAlarms(service: AuditService, metrics: Metrics): AuditService {
  const count = (code: AlarmCode | undefined): void => {
    if (code !== undefined) metrics.alarm(code);
  };
  const counted = wrapped(service, (_method, call) => async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      count(alarmCodeOf(error));
      throw error;
    }
  });
  const seen = <Outcomes extends readonly EntryOutcome[] | undefined>(outcomes: Outcomes): Outcomes => {
    for (const { kind } of outcomes ?? []) if (kind === "corrupt") metrics.alarm("ENTRY_CORRUPT");
    return outcomes;
  };
  async function* watched<Item>(items: AsyncIterable<Item>, see: (item: Item) => void): AsyncGenerator<Item, void> {
    try {
      for await (const item of items) {
        see(item);
        yield item;
      }
    } catch (error) {
      count(alarmCodeOf(error));
      throw error;
    }
  }
  const watchedPages = (download: Download): Download => ({
    ...download,
    pages: (signal) => watched(download.pages(signal), seen),
  });
  return replaced<AuditService>(counted, {
    entries: async (...args) => seen(await counted.entries(...args)),
    entryByHash: async (...args) => {
      const outcome = await counted.entryByHash(...args);
      seen([outcome]);
      return outcome;
    },
    search: async (...args) => {
      const page = await counted.search(...args);
      seen(page.entries);
      return page;
    },
    results: async (...args) => {
      const page = await counted.results(...args);
      seen(page.entries);
      return page;
    },
    download: async (...args) => watchedPages(await counted.download(...args)),
    tail: async (...args) => watched(await counted.tail(...args), (outcome) => seen([outcome])),
  });
}
