import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FORMAT_NAMES, type FormatName } from "../../src/core/format.js";
import { type GatewayProcess, gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";
import { describeWith, findProgram } from "../service.js";

const PYTHON = findProgram("python3") ?? "python3";
const HAS_CRYPTOGRAPHY = spawnSync(PYTHON, ["-c", "import cryptography"]).status === 0;
const VERIFIER = fileURLToPath(new URL("../../../verifiers/python/auditql_verify.py", import.meta.url));
const SAVE = fileURLToPath(new URL("../../examples/evidence/save.js", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/main.js", import.meta.url));

const LOG = /* GraphQL */ `
  mutation Log($events: [EventInput!]!, $sign: Boolean) {
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

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  describe.each(FORMAT_NAMES)("what a gateway answers from a log of the format %s", (format) => {
    const folder = gatewayFolder();
    let gateway: GatewayProcess;
    let evidence: Evidence;

    beforeAll(async () => {
      gateway = await startGateway({ folder, env: { AUDITQL_LOG_FORMAT: format } });
      evidence = await fillAndSave(gateway.url, format);
    }, 60_000);

    afterAll(async () => {
      await gateway.stop();
      removeFolder(folder);
    });

    test("is found valid, every line of it, by the verifier in Python", () => {
      const { status, lines } = pythonVerdicts(evidence);
      expect(status).toBe(0);
      const count = (ending: string): number => lines.filter((line) => line.endsWith(ending)).length;
      expect(count(" hash VALID")).toBe(ENTRIES);
      expect(count(" membership VALID")).toBe(ENTRIES);
      expect(count(" checkpoint VALID")).toBe(ENTRIES + 1);
      expect(count(" consistency VALID")).toBe(1);
      expect(count(" signature VALID")).toBe(ENTRIES / 3);
      expect(count(" signature UNKNOWN NO_SIGNATURE")).toBe((ENTRIES / 3) * 2);
    });

    test("is found valid by `auditql verify` too", () => {
      expect(spawnSync(process.execPath, [MAIN, "verify", "-"], { input: JSON.stringify(evidence) }).status).toBe(0);
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
    ])("is refused by both when %s", (_what, tamper, check) => {
      const { status, lines } = pythonVerdicts(tamper(evidence));
      expect(status).toBe(1);
      expect(lines.filter((line) => line.includes(` ${check} INVALID `))).not.toEqual([]);
      const input = JSON.stringify(tamper(evidence));
      expect(spawnSync(process.execPath, [MAIN, "verify", "-"], { input }).status).toBe(1);
    });

    test("cannot be checked with the key of another origin", () => {
      expect(pythonVerdicts({ ...evidence, publicKey: `other${evidence.publicKey}` }).status).toBe(2);
    });
  });
});

async function fillAndSave(url: string, format: FormatName): Promise<Evidence> {
  const events = Array.from({ length: ENTRIES / 3 }, (_, i) => ({
    actor: `actor ${i}`,
    message: i % 2 === 0 ? `Grüße, 世界 ${i} 🎉` : { text: "an object", numbers: [1.5, 1e-7, i] },
    new: { amount: i, nested: { "€": [null, true] } },
  }));
  await graphqlData(url, LOG, { events });
  const { logBulk } = await graphqlData<{ logBulk: { root: { publicKey: string } } }>(url, LOG, { events, sign: true });
  await graphqlData(url, LOG, { events });
  const args = [SAVE, logBulk.root.publicKey, "--url", `${url}/graphql`, "--format", format, "--from-size", "100"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout) as Evidence;
}

function pythonVerdicts(evidence: Evidence): { readonly status: number | null; readonly lines: readonly string[] } {
  const { status, stdout } = spawnSync(PYTHON, ["-B", VERIFIER], { input: JSON.stringify(evidence), encoding: "utf8" });
  return { status, lines: stdout.trimEnd().split("\n") };
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
