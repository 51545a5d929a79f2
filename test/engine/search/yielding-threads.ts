import { readdirSync, readFileSync } from "node:fs";
import { constants, getPriority } from "node:os";

const { PRIORITY_BELOW_NORMAL: YIELDS } = constants.priority;
/** Whether a thread of this process can give way by itself: on Linux, and where the whole process does not yet. */
const CAN_YIELD = process.platform === "linux" && getPriority() < YIELDS;
/** The nice value among the numbers behind a thread's name: proc_pid_stat(5), number 19 in all. */
const NICE = 16;

/** The number of this process's threads that give way to the others. */
export function yieldingThreads(): number {
  if (!CAN_YIELD) return 0;
  return readdirSync("/proc/self/task").filter((thread) => niceOf(thread) === YIELDS).length;
}

/** So many of them, where threads can. */
export function yielding(count: number): number {
  return CAN_YIELD ? count : 0;
}

function niceOf(thread: string): number {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[NICE]);
  } catch {
    return 0; // it has ended
  }
}
