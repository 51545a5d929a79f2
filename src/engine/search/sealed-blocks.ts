import { createHmac, timingSafeEqual } from "node:crypto";
import type { BlockId, BlockStore, SegmentBlocks, StagedBlock, StoredSegment } from "../../audit/block-store.js";
import { HASH_BYTES } from "../../core/bytes.js";
import type { SegmentId } from "../../core/segment/format.js";

/**
 * The segments in a store that a gateway with the deployment's key put there: beside its digest each has a seal, HMAC-SHA256
 * of where it lies and what it is. Someone who may write the store and has no key cannot have a search leave something out,
 * or a wrong index signed: a segment without a seal counts for nothing, is built again from the log, and then removed.
 */
export class SealedBlocks implements BlockStore {
  readonly #secret: Uint8Array;

  /** `secrets`: the newest seals; what an earlier one sealed counts too. At least one. */
  constructor(
    private readonly blocksOf: BlockStore,
    private readonly secrets: readonly [Uint8Array, ...Uint8Array[]],
  ) {
    [this.#secret] = secrets;
  }

  async segments(log: string): Promise<readonly StoredSegment[]> {
    return (await this.blocksOf.segments(log))
      .filter((row) => this.#isSealed(log, row))
      .map((row) => ({ ...row, digest: row.digest.subarray(0, HASH_BYTES) }));
  }

  async unsealed(log: string): Promise<readonly StoredSegment[]> {
    return (await this.blocksOf.segments(log)).filter((row) => !this.#isSealed(log, row));
  }

  blocks(log: string, ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.blocksOf.blocks(log, ids);
  }

  async put(log: string, segment: SegmentBlocks): Promise<void> {
    await this.#removeUnsealed(log);
    await this.blocksOf.put(log, this.#sealed(log, segment));
  }

  stage(log: string, id: SegmentId, blocks: readonly StagedBlock[]): Promise<void> {
    return this.blocksOf.stage(log, id, blocks);
  }

  async publish(log: string, segment: StoredSegment): Promise<void> {
    await this.#removeUnsealed(log);
    await this.blocksOf.publish(log, this.#sealed(log, segment));
  }

  remove(log: string, ids: readonly SegmentId[]): Promise<void> {
    return this.blocksOf.remove(log, ids);
  }

  claim(log: string): Promise<boolean> {
    return this.blocksOf.claim(log);
  }

  close(): Promise<void> {
    return this.blocksOf.close();
  }

  async #removeUnsealed(log: string): Promise<void> {
    const strays = await this.unsealed(log);
    if (strays.length > 0) await this.blocksOf.remove(log, strays);
  }

  #sealed<S extends StoredSegment>(log: string, segment: S): S {
    return { ...segment, digest: Buffer.concat([segment.digest, sealOf(this.#secret, log, segment)]) };
  }

  #isSealed(log: string, row: StoredSegment): boolean {
    const seal = row.digest.subarray(HASH_BYTES);
    if (seal.length !== HASH_BYTES) return false;
    const digest = row.digest.subarray(0, HASH_BYTES);
    return this.secrets.some((secret) => timingSafeEqual(sealOf(secret, log, { ...row, digest }), seal));
  }
}

/** No log id has a newline. */
function sealOf(
  secret: Uint8Array,
  log: string,
  { level, number, blocks, digest, lastLeafHash }: StoredSegment,
): Buffer {
  const seal = createHmac("sha256", secret).update(`segment\n${log}\n${level} ${number} ${blocks}\n`);
  return seal.update(digest).update(lastLeafHash).digest();
}
