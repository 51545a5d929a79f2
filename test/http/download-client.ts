import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { TokenSealer } from "../../src/keys/sealed-token.js";
import { DownloadResultsDocument, SearchDocument, type AuditDownloadFormat } from "../generated/operations.js";
import type { TestGateway } from "../graphql/gateway.js";

export const sealer = new TokenSealer(new Uint8Array(32).fill(3));

export interface Wanted {
  readonly query?: string;
  readonly maxResults?: number;
  readonly format?: AuditDownloadFormat;
  readonly everyMatch?: boolean;
}

export async function linkTo(
  at: TestGateway,
  { query = "", maxResults, format = "NDJSON", everyMatch = false }: Wanted = {},
) {
  const { search } = await at.data(SearchDocument, { query, first: 0, ...(maxResults && { maxResults }) });
  return (await at.data(DownloadResultsDocument, { id: search.resultId, format, everyMatch })).downloadResults;
}

/** As it came over the wire: fetch would unzip it, and hide a body that broke off. */
export async function fetched(url: string, headers: Record<string, string> = {}, method = "GET") {
  const request = get(url, { headers, method, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

export const PLAIN = { "accept-encoding": "identity" };

export const text = async (url: string) => (await fetched(url, PLAIN)).body.toString();

export interface Line {
  readonly leafIndex: number;
  readonly error?: string;
}

export const lines = (body: string): readonly Line[] =>
  body
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
