import { constants, setPriority } from "node:os";

/**
 * Has the thread that calls it wait for those that answer requests, where there are fewer processors than threads that could run. On Linux a
 * priority is a thread's (setpriority(2)); elsewhere it would slow the whole process down, and stays as it is. A thread cannot take it back.
 */
export function yieldProcessor(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // a sandbox may refuse it, and then all threads are equal, as elsewhere
  }
}
