import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { FORMAT_NAMES } from "../../src/core/format.js";
import { type GatewayProcess, gatewayFolder, graphqlData, MAIN, removeFolder, startGateway } from "../gateway.js";
import { ended, HAS_PYTHON, VERIFIERS, type Ended } from "../cli/verifiers.js";
import { describeWith } from "../service.js";

const [NODE_VERIFIER, PYTHON_VERIFIER] = VERIFIERS;

const LOG = /* GraphQL */ `
  mutation Log($events: [AuditEventInput!]!, $sign: Boolean) {
    logBulk(events: $events, sign: $sign) {
      root {
        publicKey
      }
    }
  }
`;

/** 300 entries fill one hash tile and begin the next; every third is signed, objects and other scripts are among them. */
const ENTRIES = 300;

interface Evidence {
  readonly publicKey: string;
  readonly entries: readonly {
    readonly canonical: string;
    readonly membershipProof: { readonly path: readonly string[] };
  }[];
  readonly roots: readonly { readonly checkpoint: string }[];
}

describeWith("python3 and its package cryptography", HAS_PYTHON, () => {
  describe.each(FORMAT_NAMES)("what a gateway answers from a log of the format %s", (format) => {
    const folder = gatewayFolder();
    let gateway: GatewayProcess;
    let evidence: Evidence;

    beforeAll(async () => {
      gateway = await startGateway({ folder, env: { AUDITQL_LOG_FORMAT: format } });
      evidence = await fillAndSave(gateway.url);
    }, 60_000);

    afterAll(async () => {
      await gateway.stop();
      removeFolder(folder);
    });

    test("is found valid, every line of it, by the verifier in Python", async () => {
      const { status, stdout } = await opinion(PYTHON_VERIFIER, evidence);
      const lines = stdout.split("\n");
      expect(status).toBe(0);
      const count = (ending: string): number => lines.filter((line) => line.endsWith(ending)).length;
      expect(count(" hash VALID")).toBe(ENTRIES);
      expect(count(" membership VALID")).toBe(ENTRIES);
      expect(count(" checkpoint VALID")).toBe(ENTRIES + 1);
      expect(count(" consistency VALID")).toBe(1);
      expect(count(" signature VALID")).toBe(ENTRIES / 3);
      expect(count(" signature UNKNOWN NO_SIGNATURE")).toBe((ENTRIES / 3) * 2);
    });

    test("is found valid by `auditql verify` too, in the same lines", async () => {
      const [node, python] = await Promise.all(VERIFIERS.map((verifier) => opinion(verifier, evidence)));
      expect([node?.status, node?.stdout, node?.stderr]).toEqual([0, python?.stdout, python?.stderr]);
    });

    test.each<[string, (honest: Evidence) => Evidence, string]>([
      [
        "an actor is changed",
        withEntry((entry) => ({ canonical: entry.canonical.replace("actor 7", "actor 8") })),
        "hash",
      ],
      [
        "two hashes of a path are swapped",
        withEntry(({ membershipProof }) => ({ membershipProof: swapped(membershipProof) })),
        "membership",
      ],
      [
        "a signature of the log is of another root",
        withCheckpoint((text) => text.replace(`\n${ENTRIES}\n`, `\n${ENTRIES - 1}\n`)),
        "checkpoint",
      ],
    ])("is refused by both when %s", async (_what, tamper, check) => {
      const { status, stdout } = await opinion(PYTHON_VERIFIER, tamper(evidence));
      expect([status, stdout]).toEqual([1, expect.stringContaining(` ${check} INVALID `)]);
      expect(await opinion(NODE_VERIFIER, tamper(evidence))).toMatchObject({ status, stdout });
    });

    test("cannot be checked with a key that is not of its own name", async () => {
      const key = `other${evidence.publicKey}`;
      for (const verifier of VERIFIERS) expect((await opinion(verifier, evidence, key)).status).toBe(2);
    });
  });
});

async function fillAndSave(url: string): Promise<Evidence> {
  const events = Array.from({ length: ENTRIES / 3 }, (_, i) => ({
    actor: `actor ${i}`,
    message: i % 2 === 0 ? `Grüße, 世界 ${i} 🎉` : { text: "an object", numbers: [1.5, 1e-7, i] },
    new: { amount: i, nested: { "€": [null, true] } },
  }));
  await graphqlData(url, LOG, { events });
  const { logBulk } = await graphqlData<{ logBulk: { root: { publicKey: string } } }>(url, LOG, { events, sign: true });
  await graphqlData(url, LOG, { events });
  const save = [process.execPath, MAIN, "save", "--key", logBulk.root.publicKey, "--url", `${url}/graphql`] as const;
  const { stdout } = await ended([...save, "--from-size", "100"]);
  const [head, ...lines] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  return { ...(head as Evidence), entries: lines.slice(0, -1) as Evidence["entries"] };
}

/** What a verifier says of the evidence, as one JSON document, under the key that the evidence names. */
function opinion(
  { command }: (typeof VERIFIERS)[number],
  evidence: Evidence,
  key = evidence.publicKey,
): Promise<Ended> {
  return ended([...command, "-", "--key", key], [JSON.stringify(evidence)]);
}

type EvidenceEntry = Evidence["entries"][number];

/** The evidence with the eighth entry changed. */
function withEntry(change: (entry: EvidenceEntry) => Partial<EvidenceEntry>): (honest: Evidence) => Evidence {
  return ({ entries, ...rest }) => ({
    ...rest,
    entries: entries.map((entry, place) => (place === 7 ? { ...entry, ...change(entry) } : entry)),
  });
}

function withCheckpoint(change: (checkpoint: string) => string): (honest: Evidence) => Evidence {
  return ({ roots, ...rest }) => ({
    ...rest,
    roots: roots.map((root) => ({ ...root, checkpoint: change(root.checkpoint) })),
  });
}

function swapped<Proof extends { readonly path: readonly string[] }>(proof: Proof): Proof {
  const [first = "", second = "", ...others] = proof.path;
  return { ...proof, path: [second, first, ...others] };
}
