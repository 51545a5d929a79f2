import { figure } from "../../bench/machine.js";
import { DISTRUST } from "./gateways.js";
import { judgeCopy, judgeRequests, judgeTail, unknownOutcomes, type Finding } from "./judge.js";
import type { SentRequest } from "./load.js";
import type { Evidence } from "./run.js";
import type { Span } from "./scenarios.js";

/** Something that must hold, and what speaks against it. */
export interface Claim {
  readonly name: string;
  readonly against: readonly string[];
}

type Acknowledged = Extract<SentRequest["outcome"], { readonly kind: "acknowledged" }>;

/** What must hold of each scenario that was planned, and of the run as a whole. */
export function claimsOf(evidence: Evidence, scenarios: readonly string[]): readonly Claim[] {
  const findings = judgeRequests(evidence.requests, evidence.copies[0].entries);
  return [...scenarios.flatMap((scenario) => claimsOfScenario(scenario, evidence, findings)), ...claimsOfLog(evidence)];
}

function claimsOfScenario(scenario: string, evidence: Evidence, findings: readonly Finding[]): readonly Claim[] {
  const found = (...kinds: readonly Finding["kind"][]): readonly string[] =>
    findings
      .filter((finding) => finding.scenario === scenario && kinds.includes(finding.kind))
      .map(({ kind, text }) => `${kind}: ${text}`);
  const codes = evidence.refusals.filter((refusal) => refusal.scenario === scenario);
  const wrongCodes = codes.filter(({ code }) => code !== "UNAVAILABLE" && !DISTRUST.test(code));
  const broken = evidence.broken.filter((note) => note.scenario === scenario).map(({ text }) => text);
  const isPlayed = evidence.spans.some((span) => span.scenario === scenario);
  const claim = (name: string, against: readonly string[]): Claim => ({ name: `${scenario}: ${name}`, against });
  return [
    claim("every gateway acknowledges again", isPlayed || broken.length > 0 ? broken : ["it was not played"]),
    claim("what was acknowledged is in the log as it was", found("lost", "changed")),
    claim("nothing is in the log twice, or in part, or against a refusal", found("doubled", "torn", "denied")),
    claim("every acknowledged root is one of the log's", found("wrong root")),
    claim("no gateway distrusts the log", distrustIn(scenario, evidence)),
    claim(
      "who is refused is told UNAVAILABLE",
      wrongCodes.map(({ code, message }) => `${code}: ${message}`),
    ),
  ];
}

function claimsOfLog({ copies, tails, complaints, fsck }: Evidence): readonly Claim[] {
  const [{ entries, rootHash }] = copies;
  const others = copies.filter((copy) => copy.rootHash !== rootHash).map(({ node }) => `${node} has another root`);
  return [
    { name: "each node has the same log, without gaps", against: [...texts(copies.flatMap(judgeCopy)), ...others] },
    ...tails.map(({ name, seen, codes }) => ({
      name: `${name} was shown each entry once, in order`,
      against: [
        ...texts(judgeTail(name, seen, entries)),
        ...codes.filter((code) => DISTRUST.test(String(code))).map((code) => `it was told ${String(code)}`),
      ],
    })),
    { name: "every gateway is ready in the end, and misses nothing", against: complaints },
    {
      name: "fsck finds the log sound",
      against: fsck.code === 0 ? [] : [`it ends with ${String(fsck.code)}: ${fsck.printed}`],
    },
  ];
}

/** What clients were told and what gateways logged, in a scenario, that says that the log is not to be trusted. */
function distrustIn(scenario: string, { refusals, alarms }: Evidence): readonly string[] {
  const told = refusals
    .filter(({ code }) => DISTRUST.test(code))
    .map((refusal) => ({ ...refusal, text: refusal.message }));
  return texts([...told, ...alarms].filter((note) => note.scenario === scenario));
}

const texts = (notes: readonly { readonly text: string }[]): readonly string[] => notes.map(({ text }) => text);

/** The figures of each scenario, as the table of docs/operating.md has them. */
export function tableOf(evidence: Evidence): string {
  const head = [
    "scenario",
    "pause s",
    "slowest s",
    "acknowledged",
    "p50/p99 ms",
    "lost",
    "doubled",
    "false conflicts",
    "unknown: logged",
  ];
  const findings = judgeRequests(evidence.requests, evidence.copies[0].entries);
  const rows = evidence.spans.map((span) => row(span, evidence, findings));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .join("\n");
}

function row(span: Span, evidence: Evidence, findings: readonly Finding[]): readonly string[] {
  const { scenario } = span;
  const requests = evidence.requests.filter((request) => request.scenario === scenario);
  const acknowledged = requests.flatMap(({ sentAt, outcome }) =>
    outcome.kind === "acknowledged" ? [{ events: outcome.receipt.entries.length, ms: outcome.at - sentAt }] : [],
  );
  const times = acknowledged.map(({ ms }) => ms).sort((a, b) => a - b);
  const part = (share: number): string => figure(Math.round(times[Math.floor(times.length * share)] ?? NaN));
  const count = (kind: Finding["kind"]): string =>
    figure(findings.filter((finding) => finding.scenario === scenario && finding.kind === kind).length);
  const unknown = unknownOutcomes(requests, evidence.copies[0].entries);
  return [
    scenario,
    ...pauses(span, evidence.requests),
    figure(acknowledged.reduce((sum, { events }) => sum + events, 0)),
    `${part(0.5)}/${part(0.99)}`,
    count("lost"),
    count("doubled"),
    figure(distrustIn(scenario, evidence).length),
    `${figure(unknown.requests)}: ${figure(unknown.logged)}`,
  ];
}

/** The longest time without an acknowledgement in a scenario: by any gateway, and by the one for which it was longest. */
function pauses({ faultAt, endAt }: Span, requests: readonly SentRequest[]): readonly [any: string, slowest: string] {
  const acknowledged = requests
    .map(({ outcome }) => outcome)
    .filter(
      (outcome): outcome is Acknowledged =>
        outcome.kind === "acknowledged" && outcome.at > faultAt && outcome.at < endAt,
    );
  const longest = (of: readonly Acknowledged[]): number => {
    const times = [faultAt, ...of.map(({ at }) => at).sort((a, b) => a - b), endAt];
    return Math.max(...times.slice(1).map((at, place) => at - (times[place] ?? at)));
  };
  const gateways = [...new Set(acknowledged.map(({ gateway }) => gateway))];
  const byGateway = gateways.map((one) => longest(acknowledged.filter(({ gateway }) => gateway === one)));
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  return [seconds(longest(acknowledged)), seconds(Math.max(...byGateway))];
}
