import Sequencer from "@jest/test-sequencer";

/** Where the files are that take longest: they start programs, and wait for them. */
const LONGEST = /\/(stores\/(postgres|sqlite)|cli|attack|e2e)\/|\/http\/hostile-/;

/** Jest starts with the largest files, but what takes long is often a short one: left to the end, it would run alone. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isLong = ({ path }) => LONGEST.test(path);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}
