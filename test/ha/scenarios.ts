import type { Cluster, NodeName } from "./cluster.js";
import type { Load } from "./load.js";
import type { Programs } from "./programs.js";

/** What a scenario is done to. */
export interface Stage {
  readonly programs: Programs;
  readonly cluster: Cluster;
  readonly load: Load;
}

export interface Scenario {
  readonly name: string;
  /** Whether another node is the leader afterwards. */
  readonly movesLeader: boolean;
  /** Done to the leader, while all is well. */
  readonly fault: (stage: Stage, leader: NodeName) => void | Promise<void>;
  /** Takes the fault away, once all gateways acknowledge again. */
  readonly mend: (stage: Stage, leader: NodeName) => void;
}

const SWITCHOVER: Scenario = {
  name: "switchover",
  movesLeader: true,
  fault: ({ cluster }, leader) => cluster.switchOver(leader),
  mend: () => undefined,
};

/** The machine loses its power, and is switched on again. */
const KILLED: Scenario = {
  name: "leader killed",
  movesLeader: true,
  fault: ({ programs }, leader) => {
    programs.kill(leader);
  },
  mend: ({ programs }, leader) => {
    programs.startAgain(leader);
  },
};

/** The machine stands still, and goes on later as if no time had passed: it still believes that it is the leader. */
const FROZEN: Scenario = {
  name: "leader frozen",
  movesLeader: true,
  fault: ({ programs }, leader) => {
    programs.signal(leader, "SIGSTOP");
  },
  mend: ({ programs }, leader) => {
    programs.signal(leader, "SIGCONT");
  },
};

/** The leader hears nothing of etcd and the other nodes, and they nothing of it; gateways and HAProxy still reach it. */
const PARTITIONED: Scenario = {
  name: "leader partitioned",
  movesLeader: true,
  fault: ({ cluster }, leader) => {
    const { etcd, postgres, patroni } = cluster.linksOf(leader);
    for (const link of [etcd, postgres, patroni]) link.cut();
  },
  mend: ({ cluster }, leader) => {
    const { etcd, postgres, patroni } = cluster.linksOf(leader);
    for (const link of [etcd, postgres, patroni]) link.mend();
  },
};

const REDIS_KILLED: Scenario = {
  name: "Redis killed",
  movesLeader: false,
  fault: ({ programs }) => {
    programs.kill("redis");
  },
  mend: ({ programs }) => {
    programs.startAgain("redis");
  },
};

export const SHORT_SET: readonly Scenario[] = [SWITCHOVER, KILLED];
export const FULL_SET: readonly Scenario[] = [SWITCHOVER, KILLED, FROZEN, PARTITIONED, REDIS_KILLED];

/** When a fault was made, and when all was well again, in milliseconds of `performance.now()`. */
export interface Span {
  readonly scenario: string;
  readonly faultAt: number;
  readonly endAt: number;
}

/** Makes the fault, waits until every gateway acknowledges again, takes the fault away, and waits until the cluster is whole. */
export async function play(
  { name, movesLeader, fault, mend }: Scenario,
  stage: Stage,
  say: (text: string) => void,
): Promise<Span> {
  const { cluster, load } = stage;
  const leader = await cluster.leader();
  if (leader === undefined) throw new Error("there is no leader to begin with");
  load.scenario = name;
  const faultAt = performance.now();
  try {
    await fault(stage, leader);
    if (movesLeader) say(`  ${await cluster.otherLeader(leader)} leads in place of ${leader}`);
    await load.resumed();
    say("  every gateway acknowledges");
  } finally {
    mend(stage, leader);
  }
  await cluster.whole();
  await load.resumed();
  say("  the cluster is whole");
  return { scenario: name, faultAt, endAt: performance.now() };
}
