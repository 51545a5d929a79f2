import { useMemo, type ReactElement } from "react";
import type { MembershipClaim } from "../src/core/claim.js";
import type { LogFormat } from "../src/core/format.js";
import { treePath, type Step } from "./tree-path.js";

interface ProofDrawingProps {
  readonly proof: MembershipClaim;
  readonly format: LogFormat;
}

const WIDTH = 400;
const MIDDLE = WIDTH / 2;
const BESIDE = 140;
const LEVEL = 52;
const BOX = { width: 108, height: 26 };

/** The proof as its path in the tree: from the leaf below to the root above, with the hash beside each step. */
export function ProofDrawing({ proof, format }: ProofDrawingProps): ReactElement {
  const steps = useMemo(() => treePath(format, proof), [format, proof]);
  const height = steps.length * LEVEL + 8;
  const { leafIndex, treeSize, path, rootHash } = proof;
  const isRoot = steps.at(-1)?.hash === rootHash;
  const [entries, hashes] = [treeSize, path.length].map((size) => size.toLocaleString("en"));
  const text = `${hashes ?? ""} hashes lead from entry ${leafIndex.toLocaleString("en")} to ${isRoot ? "the" : "another hash than the"} root of the log with ${entries ?? ""} entries.`;
  return (
    <figure className="proof">
      <svg viewBox={`0 0 ${WIDTH} ${height}`} width={WIDTH} height={height} role="img" aria-label={text}>
        {steps.map((step) => (
          <StepDrawing
            key={step.level}
            step={step}
            y={height - (step.level + 1) * LEVEL + 8}
            isRoot={step.level === steps.length - 1}
            isWrong={!isRoot}
          />
        ))}
      </svg>
      <figcaption className="quiet">{text}</figcaption>
    </figure>
  );
}

interface StepDrawingProps {
  readonly step: Step;
  readonly y: number;
  readonly isRoot: boolean;
  readonly isWrong: boolean;
}

function StepDrawing({ step: { level, hash, sibling }, y, isRoot, isWrong }: StepDrawingProps): ReactElement {
  const beside = sibling === undefined ? 0 : sibling.side === "left" ? MIDDLE - BESIDE : MIDDLE + BESIDE;
  const [bottom, next] = [y + BOX.height / 2, y - LEVEL + BOX.height];
  const kind = isRoot ? (isWrong ? "root wrong-root" : "root") : level === 0 ? "leaf" : "node";
  return (
    <g>
      {sibling !== undefined && (
        <>
          <path className="edge" d={`M${MIDDLE} ${y} V${next}`} />
          <path className="edge" d={`M${beside} ${bottom} V${next + 13} H${MIDDLE}`} />
          <HashBox x={beside} y={y} hash={sibling.hash} kind="sibling" />
        </>
      )}
      <HashBox x={MIDDLE} y={y} hash={hash} kind={kind} />
    </g>
  );
}

interface HashBoxProps {
  readonly x: number;
  readonly y: number;
  readonly hash: string;
  readonly kind: string;
}

function HashBox({ x, y, hash, kind }: HashBoxProps): ReactElement {
  return (
    <g className={kind}>
      <title>{hash}</title>
      <rect x={x - BOX.width / 2} y={y} {...BOX} rx={5} />
      <text x={x} y={y + 17} textAnchor="middle">
        {hash.slice(0, 10)}…
      </text>
    </g>
  );
}
