import pg from "pg";

declare module "pg" {
  // Members of the driver that its types leave out.
  interface Connection {
    connect(port: number, host: string): void;
    connect(path: string): void;
    requestSsl(): void;
    cancel(processId: number, secretKey: number): void;
  }
  interface ClientBase {
    readonly connection: Connection;
    /** Null behind a pooler that gives none. */
    readonly processID: number | null;
    readonly secretKey: number | null;
    readonly sslNegotiation: "postgres" | "direct";
  }
}

const TIMEOUT_MS = 2_000;

/**
 * Asks the server to cancel what a connection is doing, over a new connection to the same host, with TLS if that one
 * has it (PostgreSQL manual, "Canceling Requests in Progress"). Resolves when the server has read the request or could
 * not be reached; the protocol never reports whether there was anything to cancel.
 */
export function requestCancel(client: pg.PoolClient): Promise<void> {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client;
  if (processID === null || secretKey === null) return Promise.resolve();
  const settings = { ssl, sslNegotiation };
  const connection = new pg.Connection(settings);
  if (ssl && sslNegotiation !== "direct") {
    connection.once("connect", () => {
      connection.requestSsl();
    });
  }
  connection.once(ssl ? "sslconnect" : "connect", () => {
    connection.cancel(processID, secretKey);
  });
  if (host.startsWith("/")) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  return ended(connection);
}

/** The server ends the connection once it has read the request. */
function ended(connection: pg.Connection): Promise<void> {
  const drop = (): void => {
    connection.stream.destroy();
  };
  const timer = setTimeout(drop, TIMEOUT_MS);
  connection.on("error", drop);
  return new Promise((resolve) => {
    connection.once("end", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
