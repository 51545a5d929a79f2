import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Logger } from "pino";
import { AuditError, hasCode } from "../../audit/errors.js";
import type { Download, TreeEntry } from "../../audit/service.js";
import { fileText, openFile, type DownloadFile, type FileFormat } from "../../downloads/file.js";
import { openLink, type LinkClaims } from "../../downloads/link.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import type { Metrics } from "../../operations/metrics.js";
import { HttpError, allowsGzip, begin, SAFE } from "../answer.js";
import { becameKnown, traceIdOf, type Door } from "../admission.js";
import type { Readiness } from "../server.js";
import { Places } from "../places.js";
import { refusalOf } from "../refusal.js";
import { DownloadRecord, type DownloadEnd } from "./download-record.js";
import { admitLink } from "./link-admission.js";
import { DOWNLOADS_PATH } from "./link-maker.js";
import { READ_RATE, watchReadRate, type ReadRate } from "./read-rate.js";

export interface DownloadsDoorOptions {
  readonly door: Door;
  readonly sealer: TokenSealer;
  /** How many may be sent at once. Default 8. */
  readonly maxDownloads?: number | undefined;
  readonly readiness: Readiness;
  /** How long a reader may leave sent data unread. */
  readonly slowMs: number;
  /** How fast it must read. Default: READ_RATE. */
  readonly readRate?: ReadRate | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Speed before size: at any level, the text of a log shrinks to a fifth. */
const GZIP_LEVEL = 3;
const HIGH_WATER_BYTES = 65_536;
const MAX_DOWNLOADS = 8;
/** How many files one caller may download at once: one in progress and one just started. */
const SHARE = 2;
const RETRY_AFTER_MS = 5_000;

/**
 * Files of whole results, by links that stand for their makers: a link alone opens its file, as browsers and download
 * managers want it, whatever credential comes along. What is wrong before a file begins is refused; a file that cannot
 * go on breaks off, so that no client can take it for a whole one.
 */
export function downloadsDoor(app: FastifyInstance, options: DownloadsDoorOptions): void {
  const places = new Places({
    ...{ what: "downloads", most: options.maxDownloads ?? MAX_DOWNLOADS, share: SHARE },
    retryAfterMs: RETRY_AFTER_MS,
  });
  const usedLinks = new Set<string>();
  app.route<{ Params: { readonly "*": string } }>({
    ...{ method: ["GET", "HEAD"], url: `${DOWNLOADS_PATH}*` },
    handler: async (request, reply) => {
      options.readiness.requireOpen();
      const link = request.params["*"];
      const claims = opened(options.sealer, link);
      becameKnown(request, claims.principal.id);
      const user = await admitLink(claims.principal, request.headers, options.door);
      const service = user.service();
      const download = await service.download(claims);
      const file = await openFile(service, download, claims.format);
      const isGzip = allowsGzip(request.headers);
      const headers = { ...fileHeaders(file.format, download), ...(isGzip && { "content-encoding": "gzip" }) };
      if (request.method === "HEAD") return reply.headers(headers).send();
      if (usedLinks.has(link)) throw inUse();
      const free = places.take(options.door.access.kind === "open" ? request.ip : claims.principal.id);
      usedLinks.add(link);
      const record = new DownloadRecord(options, {
        ...claims,
        log: download.log,
        requestId: request.id,
        traceId: traceIdOf(request.headers),
      });
      const stop = stopped(reply.raw, options);
      const pages = record.counted(user.whileLetIn(download.pages(stop)));
      await sendFile(reply, { file, pages, headers, stop, record }, options.logger).finally(() => {
        usedLinks.delete(link);
        free();
      });
      return reply;
    },
  });
}

interface Sending {
  readonly file: DownloadFile;
  readonly pages: AsyncIterable<readonly TreeEntry[]>;
  /** For a file that starts: a refusal has none of these headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly stop: AbortSignal;
  readonly record: DownloadRecord;
}

/** Rejects before the file begins, and never after. */
async function sendFile(
  reply: FastifyReply,
  { file, pages, headers, stop, record }: Sending,
  logger: Logger,
): Promise<void> {
  try {
    const text = fileText(file, await begun(file.entries(pages)));
    await sendText(begin(reply, headers), text, "content-encoding" in headers);
    record.ended("complete");
  } catch (error) {
    const outcome = isStopped(error, stop) ? stoppedAs(stop) : "failed";
    record.ended(outcome);
    if (outcome === "failed" && !reply.raw.headersSent) throw error;
    if (outcome === "failed") refusalOf(error, logger.child({ requestId: reply.request.id }));
    reply.hijack();
    reply.raw.destroy();
  }
}

function inUse(): AuditError {
  const message = "this link is in use, and serves one download at a time: wait, or ask downloadResults for another";
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS });
}

/** Writes no faster than the client reads. */
function sendText(response: ServerResponse, pieces: AsyncIterable<string>, isGzip: boolean): Promise<void> {
  const text = Readable.from(pieces, { objectMode: false, highWaterMark: HIGH_WATER_BYTES });
  return isGzip ? pipeline(text, createGzip({ level: GZIP_LEVEL }), response) : pipeline(text, response);
}

function opened(sealer: TokenSealer, token: string): LinkClaims {
  const link = openLink(sealer, token, Date.now());
  if (link.kind === "opened") return link.claims;
  if (link.reason === "expired")
    throw new HttpError("LINK_EXPIRED", "the link has expired: ask downloadResults for a new one");
  // What was never a link and what was changed look the same: neither stands for anything.
  throw new AuditError(
    "NOT_FOUND",
    "there is no such download: copy the whole link, or ask downloadResults for a new one",
  );
}

function fileHeaders({ extension, contentType }: FileFormat, { log, treeSize }: Download): Record<string, string> {
  const name = `auditql-${log.replace(/[^\w.-]/g, "_")}-${treeSize}.${extension}`;
  return {
    ...SAFE,
    "content-type": contentType,
    "content-disposition": `attachment; filename="${name}"`,
    vary: "accept-encoding",
  };
}

/** Aborts when the client has gone, reads too slowly, or leaves what it was sent unread for too long. */
function stopped(response: ServerResponse, { slowMs, readRate = READ_RATE }: DownloadsDoorOptions): AbortSignal {
  const controller = new AbortController();
  const tooSlow = () => {
    controller.abort(new HttpError("SLOW_READER", "the reader is too slow"));
    response.destroy();
  };
  response.setTimeout(slowMs, tooSlow);
  watchReadRate(response, readRate, tooSlow);
  response.once("close", () => {
    controller.abort(new AuditError("UNAVAILABLE", "the client has gone away"));
  });
  return controller.signal;
}

function isStopped(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || hasCode(error, "ERR_STREAM_PREMATURE_CLOSE");
}

function stoppedAs({ reason }: AbortSignal): DownloadEnd {
  return reason instanceof HttpError ? "slow" : "stopped";
}

/** Waits for the first page: what is wrong by then can still be said in an answer. */
async function begun<T>(pages: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = pages[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}
