import { constants, setPriority } from "node:os";

/**
 * Lets the other threads of this process and machine go first from now on: requests do not wait for work that nobody waits for.
 * On Linux, where a thread has a priority of its own; elsewhere it would be the whole process's, and nothing changes.
 */
export function goLast(): void {
  if (process.platform === "linux") setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}
