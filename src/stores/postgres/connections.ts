import pg from "pg";
import { deadline } from "../../audit/calls.js";
import type { StoreConnections } from "../../audit/search-index.js";
import { parseDatabaseUrl, type DatabaseUrl } from "./database-url.js";
import { isReadOnlySession, NoHostError } from "./failures.js";
import {
  beginning,
  identify,
  openSession,
  type ServerSession,
  type SessionBounds,
  type SessionKind,
  type Sight,
} from "./session.js";

export interface ConnectionSettings extends SessionBounds {
  /** May name several hosts; see parseDatabaseUrl. */
  readonly url: string;
  readonly maxConnections: number;
  /** Limits the time for connecting, and for waiting for a free connection. */
  readonly connectTimeoutMs: number;
}

/** A connection that belongs to the caller until it is released. */
export interface Connection {
  readonly client: pg.PoolClient;
  readonly kind: SessionKind;
  /** The command that begins a transaction on it. */
  readonly begin: (sight: Sight) => string;
  /** Returns it to the pool; with a failure, closes it. */
  release(failure?: unknown): void;
}

interface Opened {
  readonly session: ServerSession;
  /** Its index in the URL's list of hosts. */
  readonly host: number;
}

/** Every connection was in use for as long as a caller waits: nothing is wrong with the host. */
class AllInUse extends Error {
  override readonly name = "AllInUse";

  constructor(timeoutMs: number) {
    super(`all connections were in use: timeout after ${timeoutMs} ms`);
  }
}

/** A read-only database refuses every write: this is the minimum time between checks of its hosts. */
const LOOK_AGAIN_MS = 1_000;

/**
 * A bounded pool of connections, each checked when it is made. Of several hosts it uses the first that is as the URL
 * demands, until a connection to it fails or is refused a write; then it checks all hosts again. Rejects with the
 * driver's failures.
 */
export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #url: DatabaseUrl;
  readonly #pool: pg.Pool;
  readonly #opened = new WeakMap<pg.ClientBase, Opened>();
  /** The host in use; undefined while unknown. */
  #host: number | undefined;
  #choosing: Promise<number> | undefined;
  #doubtedAtMs = -Infinity;

  /** Throws BAD_USER_INPUT when the URL cannot be used. */
  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#url = parseDatabaseUrl(settings.url);
    if (this.#url.hosts.length === 1) this.#host = 0;
    this.#pool = this.#newPool();
  }

  async connect(): Promise<Connection> {
    try {
      return await this.#connect();
    } catch (failure) {
      if (this.#url.hosts.length === 1 || failure instanceof AllInUse) throw failure;
      this.#host = undefined;
      return this.#connect();
    }
  }

  get state(): StoreConnections {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    const { maxConnections: max } = this.#settings;
    return { used: totalCount - idleCount, idle: idleCount, max, waiting: waitingCount };
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  async #connect(): Promise<Connection> {
    if (this.#host === undefined) await this.#choose();
    for (;;) {
      const client = await this.#pooled();
      const opened = this.#opened.get(client);
      if (opened !== undefined && opened.host === (this.#host ?? opened.host)) return this.#connection(client, opened);
      client.release(true); // it leads to a host used before
    }
  }

  /**
   * A new connection has its own limits. Waiting for one that is in use is limited here: the pool's own limit would lose,
   * for good, a connection that is still being checked when the limit is reached.
   */
  async #pooled(): Promise<pg.PoolClient> {
    const { maxConnections, connectTimeoutMs } = this.#settings;
    const { totalCount, idleCount, waitingCount } = this.#pool;
    const isIdle = idleCount > waitingCount; // most are: a deadline costs as much as a short statement
    const isNew = totalCount < maxConnections && idleCount === 0;
    const connecting = this.#pool.connect();
    if (isIdle || isNew) return connecting;
    try {
      return await deadline(connecting, connectTimeoutMs, new AllInUse(connectTimeoutMs));
    } catch (failure) {
      connecting.then((late) => {
        late.release();
      }, ignore);
      throw failure;
    }
  }

  #connection(client: pg.PoolClient, { session: { kind } }: Opened): Connection {
    return {
      ...{ client, kind },
      begin: (sight) => beginning(kind, this.#settings, sight),
      release: (failure) => {
        if (isReadOnlySession(failure)) this.#doubtHost();
        client.release(failure !== undefined);
      },
    };
  }

  /** Forgets which host is in use: another may be the primary by now. */
  #doubtHost(): void {
    const now = performance.now();
    if (this.#url.hosts.length === 1 || now - this.#doubtedAtMs < LOOK_AGAIN_MS) return;
    this.#doubtedAtMs = now;
    this.#host = undefined;
  }

  #choose(): Promise<number> {
    this.#choosing ??= this.#lookAtHosts()
      .then((host) => (this.#host = host))
      .finally(() => (this.#choosing = undefined));
    return this.#choosing;
  }

  /** Checks all hosts at once, and picks the first suitable one in the URL's order. */
  async #lookAtHosts(): Promise<number> {
    const looks = this.#url.hosts.map(async (config) => this.#look(config));
    for (const look of looks) look.catch(ignore);
    const failures: unknown[] = [];
    let readable: number | undefined;
    for (const [host, look] of looks.entries()) {
      try {
        if (this.#mayWrite(await look)) return host;
        readable ??= host;
        failures.push(notPrimary());
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (this.#url.wanted === "any" && readable !== undefined) return readable;
    throw new NoHostError(this.#url.hosts.map(({ host, port }, place) => [`${host}:${port}`, failures[place]]));
  }

  async #look(config: pg.ClientConfig): Promise<Pick<ServerSession, "isReadOnly" | "isStandby">> {
    const { connectTimeoutMs } = this.#settings;
    const client = new pg.Client(this.#clientConfig(config));
    client.on("error", ignore);
    try {
      const identity = await deadline(
        client.connect().then(() => identify(client)),
        connectTimeoutMs,
      );
      void client.end().catch(ignore);
      return identity;
    } catch (failure) {
      cut(client);
      throw failure;
    }
  }

  #mayWrite({ isReadOnly, isStandby }: Pick<ServerSession, "isReadOnly" | "isStandby">): boolean {
    return this.#url.wanted === "primary" ? !isStandby : !isReadOnly;
  }

  /** Each new connection goes to the host in use, and is handed out only after it has been checked. */
  #newPool(): pg.Pool {
    const { maxConnections } = this.#settings;
    const hostInUse = (): number => this.#host ?? 0;
    const clientConfig = (): pg.ClientConfig => this.#clientConfig(this.#url.hosts[hostInUse()] ?? {});
    const hosts = new WeakMap<pg.ClientBase, number>();
    class HostClient extends pg.Client {
      constructor() {
        super(clientConfig());
        hosts.set(this, hostInUse());
      }
    }
    const pool = new pg.Pool({
      ...{ max: maxConnections, Client: HostClient },
      verify: (client, done) => {
        this.#check(client, hosts.get(client) ?? 0).then(
          () => {
            done();
          },
          (failure: unknown) => {
            done(failure instanceof Error ? failure : new Error(String(failure)));
          },
        );
      },
    });
    // An idle connection that dies is replaced at its next use; without a listener its error would end the process.
    pool.on("error", ignore);
    return pool;
  }

  async #check(client: pg.ClientBase, host: number): Promise<void> {
    // A connection that breaks meanwhile also emits this error; the check fails by itself.
    client.on("error", ignore);
    try {
      const session = await deadline(openSession(client, this.#settings), this.#settings.connectTimeoutMs);
      if (this.#url.wanted !== "any" && !this.#mayWrite(session)) throw notPrimary();
      this.#opened.set(client, { session, host });
    } catch (failure) {
      cut(client);
      throw failure;
    } finally {
      client.removeListener("error", ignore);
    }
  }

  /** The URL's parameters apply too, except the time limits: those are set in each session. */
  #clientConfig(given: pg.ClientConfig): pg.ClientConfig {
    const { connectTimeoutMs, statementTimeoutMs } = this.#settings;
    return {
      application_name: "auditql",
      ...given,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs + 1_000,
      keepAlive: true,
      pipeline: true,
      types,
      ...NO_STARTUP_BOUNDS,
    };
  }
}

/** Poolers refuse these as startup parameters. */
const NO_STARTUP_BOUNDS = { statement_timeout: undefined, idle_in_transaction_session_timeout: undefined };

/** The driver's types, but bigint as a number: ours are sizes and indexes, none above 2^53 - 1. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

function notPrimary(): Error {
  return new Error("it is read-only, but target_session_attrs asks for a writable one");
}

/** Asked to end, the driver first waits for the answers to what it has sent. */
function cut(client: pg.ClientBase): void {
  client.connection.stream.destroy();
}

function ignore(): void {
  // The connection's user gets the error from its statement.
}
