import { AuditError } from "./errors.js";
import type {
  AuditService,
  CompletenessService,
  DownloadingService,
  FollowingService,
  LoggingService,
  ProvingService,
  ReadingService,
  SearchingService,
} from "./service.js";

/** A backend's roles. Any of them may be missing. */
export interface Backend extends Pick<AuditService, "identity" | "close"> {
  /** Names the backend in errors, such as `the hosted audit service`. */
  readonly name: string;
  readonly logging?: LoggingService;
  readonly reading?: ReadingService;
  readonly searching?: SearchingService;
  readonly downloading?: DownloadingService;
  readonly following?: FollowingService;
  readonly proving?: ProvingService;
  readonly completeness?: CompletenessService;
}

/** What a client tried to do, for each role. */
const PURPOSES = {
  logging: "log events",
  reading: "show single entries",
  searching: "search",
  downloading: "download whole results",
  following: "follow a log",
  proving: "provide roots and proofs",
  completeness: "prove that a search leaves nothing out",
} as const;

/** Makes a backend an audit service: calls of a role that it lacks reject with UNSUPPORTED. */
export function serviceOf(backend: Backend): AuditService {
  const played = <Role extends keyof typeof PURPOSES>(role: Role): NonNullable<Backend[Role]> => {
    const player = backend[role];
    if (player !== undefined) return player;
    const instead = "Ask a gateway with its own engine for it.";
    throw new AuditError("UNSUPPORTED", `${backend.name} cannot ${PURPOSES[role]}. ${instead}`);
  };
  return {
    identity: (...asked) => backend.identity(...asked),
    close: () => backend.close(),
    append: async (...asked) => played("logging").append(...asked),
    appendLater: async (...asked) => played("logging").appendLater(...asked),
    bulkRequest: async (...asked) => played("logging").bulkRequest(...asked),
    entries: async (...asked) => played("reading").entries(...asked),
    entryByHash: async (...asked) => played("reading").entryByHash(...asked),
    search: async (...asked) => played("searching").search(...asked),
    results: async (...asked) => played("searching").results(...asked),
    download: async (...asked) => played("downloading").download(...asked),
    tail: async (...asked) => played("following").tail(...asked),
    root: async (...asked) => played("proving").root(...asked),
    membershipProofs: async (...asked) => played("proving").membershipProofs(...asked),
    membershipVerdicts: async (...asked) => played("proving").membershipVerdicts(...asked),
    consistencyProof: async (...asked) => played("proving").consistencyProof(...asked),
    consistency: async (...asked) => played("proving").consistency(...asked),
    indexRoot: async (...asked) => played("completeness").indexRoot(...asked),
    indexRecords: async (...asked) => played("completeness").indexRecords(...asked),
    completeness: async (...asked) => played("completeness").completeness(...asked),
    checkpointVerdict: async (...asked) => played("proving").checkpointVerdict(...asked),
  };
}
