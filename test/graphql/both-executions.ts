import { openTestService, TestClock } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

/** Two gateways whose every answer is the same, as nothing but the clock could tell them apart. */
export interface BothExecutions {
  readonly compiled: TestGateway;
  readonly fieldByField: TestGateway;
  close(): Promise<void>;
}

export async function openBothExecutions(): Promise<BothExecutions> {
  const [one, other] = await Promise.all([service(), service()]);
  const compiled = await testGateway(one, { compileAtHit: 1 });
  const fieldByField = await testGateway(other, { compileAtHit: Infinity });
  return {
    compiled,
    fieldByField,
    async close() {
      await Promise.all([compiled.close(), fieldByField.close()]);
    },
  };
}

function service() {
  return openTestService({ clock: new TestClock().now });
}

/** What must be the same of two answers. Which of two errors in one answer comes first is not said anywhere. */
export function sorted({ data, errors = [] }: Awaited<ReturnType<TestGateway["text"]>>): unknown {
  return { data, errors: errors.map((error) => JSON.stringify(error)).sort() };
}
