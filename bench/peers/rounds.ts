import { figure, median } from "../machine.js";
import type { Contender } from "./contenders.js";

/** Measures all contenders in turn, round after round, so that what else the machine does troubles all alike. */
export class Rounds {
  constructor(
    private readonly contenders: readonly Contender[],
    private readonly rounds: number,
  ) {}

  /** Prints the medians, and the medians of each round's ratios to the last contender. The first round, which warms up, is not counted. */
  async row(what: string, measure: (contender: Contender, round: number) => Promise<number>): Promise<void> {
    const measured = this.contenders.map((): number[] => []);
    for (let round = 0; round <= this.rounds; round++) {
      const order = this.contenders.map((_, place) => (place + round) % this.contenders.length);
      for (const place of order) {
        const contender = this.contenders[place];
        if (contender !== undefined) measured[place]?.push(await measure(contender, round));
      }
    }
    const counted = measured.map((all) => all.slice(1));
    const last = counted.at(-1) ?? [];
    const texts = this.contenders.map(({ name }, place) => {
      const own = counted[place] ?? [];
      const ratios = own.map((value, round) => value / (last[round] ?? NaN));
      const times = place === counted.length - 1 ? "" : ` (${ratioText(ratios)})`;
      return `${name} ${figure(median(own))}${times}`;
    });
    console.log(`${what}: ${texts.join("; ")}`);
  }
}

/** `1.52x, 1.40-1.66`: the median and what lies around it. */
function ratioText(ratios: readonly number[]): string {
  const two = (value: number): string => value.toFixed(2);
  return `${two(median(ratios))}x, ${two(Math.min(...ratios))}-${two(Math.max(...ratios))}`;
}
