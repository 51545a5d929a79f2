import type { AuditService } from "../../../src/audit/service.js";
import type { GatewayOptions } from "../../../src/http/gateway.js";
import { openTestService } from "../../engine/test-log.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { published } from "../../published.js";

/** The parts of the published Node SDK that tests use, as its own declarations have them. */
export interface PangeaSdk {
  readonly AuditService: new (token: string, config: object, tenantId?: string, configId?: string) => AuditClient;
  readonly PangeaConfig: new (options: { readonly baseUrlTemplate: string }) => object;
  readonly PangeaErrors: Readonly<Record<string, new () => Error>>;
}

export interface SdkResponse<Result> {
  readonly request_id: string;
  readonly status: string;
  readonly summary: string;
  readonly success: boolean;
  readonly result: Result;
  readonly accepted_result?: Readonly<Record<string, unknown>>;
}

export interface LogResult {
  readonly hash: string;
  readonly envelope?: {
    readonly event: Readonly<Record<string, unknown>>;
    readonly received_at: string;
    readonly public_key?: string;
  };
  readonly unpublished_root?: string;
  readonly membership_proof?: string;
  readonly consistency_proof?: readonly string[];
  readonly signature_verification?: string;
  readonly membership_verification?: string;
  readonly consistency_verification?: string;
}

export interface SdkRoot {
  readonly tree_name: string;
  readonly size: number;
  readonly root_hash: string;
  readonly url: string;
  readonly published_at: string;
  readonly consistency_proof?: readonly string[];
}

export interface SearchEvent extends LogResult {
  readonly leaf_index: number;
  readonly published: boolean;
}

export interface SearchResult {
  readonly id: string;
  readonly expires_at: string;
  readonly count: number;
  readonly events: readonly SearchEvent[];
  readonly root?: SdkRoot;
}

type Event = Record<string, unknown>;

export interface AuditClient {
  log(event: Event, options?: object): Promise<SdkResponse<LogResult>>;
  logBulk(events: readonly Event[], options?: object): Promise<SdkResponse<{ readonly results: readonly LogResult[] }>>;
  logBulkAsync(events: readonly Event[], options?: object): Promise<SdkResponse<unknown>>;
  pollResult(id: string): Promise<SdkResponse<{ readonly results: readonly LogResult[] }>>;
  root(size?: number): Promise<SdkResponse<{ readonly data: SdkRoot }>>;
  search(query: string, queryOptions: object, options: object): Promise<SdkResponse<SearchResult>>;
  results(
    id: string,
    limit?: number,
    offset?: number,
    options?: object,
    more?: object,
  ): Promise<SdkResponse<SearchResult>>;
  downloadResults(request: object): Promise<SdkResponse<{ readonly dest_url: string; readonly expires_at: string }>>;
  downloadFile(url: URL): Promise<{ readonly filename: string; readonly file: ArrayBuffer }>;
  export(request: object): Promise<SdkResponse<unknown>>;
  logStream(data: object): Promise<SdkResponse<unknown>>;
}

/** What an SDK's exception carries. */
export interface SdkFailure {
  readonly name: string;
  readonly status: string;
  readonly summary: string;
  readonly errors: readonly { readonly code: string; readonly detail: string; readonly source: string }[];
}

export function pangeaSdk(): PangeaSdk {
  return published("pangea-node-sdk") as PangeaSdk;
}

export const PANGEA_LOG = [{ log: "default", format: "pangea" }] as const;

export function openPangeaService(): Promise<AuditService> {
  return openTestService({ logs: PANGEA_LOG });
}

/** A gateway that serves the protocol for its log `default`. */
export function pangeaGateway(service: AuditService, options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  return testGateway(service, { pangeaLogs: ["default"], ...options });
}

/** A client of a gateway; it tries again as it does by default. */
export function clientOf(
  url: string,
  token = "token",
  more: { readonly tenant?: string; readonly config?: string } = {},
): AuditClient {
  const { AuditService: Client, PangeaConfig } = pangeaSdk();
  const config = new PangeaConfig({ baseUrlTemplate: url });
  return new Client(token, config, more.tenant, more.config);
}

/** The exception that a call must end with. */
export async function failureOf(
  call: Promise<unknown>,
): Promise<SdkFailure & { readonly is: (name: string) => boolean }> {
  const { PangeaErrors } = pangeaSdk();
  try {
    await call;
  } catch (error) {
    const is = (name: string): boolean => {
      const kind = PangeaErrors[name];
      return kind !== undefined && error instanceof kind;
    };
    const { response, errors = [] } = error as { response?: SdkFailure; errors?: SdkFailure["errors"] };
    const { name } = error as Error;
    return { name, status: response?.status ?? "", summary: response?.summary ?? "", errors, is };
  }
  throw new Error("the call did not fail");
}

const ARWEAVE = "https://arweave.net/";

/**
 * Keeps the SDK from the network: arweave.net, which it asks first, has no record, so that it asks the gateway (protocol
 * section 4.7). Any other host than this machine is refused. Undo with the function that is returned.
 */
export function stubArweave(
  arweave: () => Response = () => Response.json({ data: { transactions: { edges: [] } } }),
): () => void {
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    if (href.startsWith(ARWEAVE)) return arweave();
    if (!href.startsWith("http://127.0.0.1:")) throw new Error(`a test may not ask ${href}`);
    return real(input, init);
  };
  return () => {
    globalThis.fetch = real;
  };
}

/** What came back over HTTP, to the last member. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly result: unknown;
    readonly status: string;
    readonly request_id: string;
  };
}

export async function postWire(
  url: string,
  body: string | object,
  headers: Record<string, string> = {},
): Promise<WireAnswer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as WireAnswer["body"] };
}
