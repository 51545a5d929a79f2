import { stat } from "node:fs/promises";
import { join } from "node:path";
import fastifyHelmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { AuditError } from "../audit/errors.js";
import { giveUpUnread, send } from "./answer.js";

export interface PagesOptions {
  /** The folder of GraphiQL's built files. */
  readonly graphiqlFolder: string;
  /** How long a client may leave what was sent to it unread. */
  readonly slowMs: number;
}

/** The build puts a hash of the content into the name, so such a file never changes. */
const HASHED_NAME = /-[A-Za-z0-9_-]{8}\.[a-z0-9]+(?:\.br|\.gz)?$/;
const TO_GRAPHIQL = { status: 308, headers: { location: "/graphiql/" }, body: "" };
const FOR_EVER = "public, max-age=31536000, immutable";

/** The page may load and call this host only; its editor needs inline styles, and nothing else is inline. */
const CONTENT_SECURITY_POLICY = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
  formAction: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  fontSrc: ["'self'", "data:"],
  imgSrc: ["'self'", "data:"],
  connectSrc: ["'self'"],
  workerSrc: ["'self'"],
};

/**
 * GraphiQL: the files that are in its folder now, at /graphiql/, each sent as the build compressed it to browsers that take
 * that. As each file found has a route and nothing else has, no path can lead out of the folder.
 */
export async function pagesDoor(app: FastifyInstance, { graphiqlFolder, slowMs }: PagesOptions): Promise<void> {
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    referrerPolicy: { policy: "no-referrer" },
    // Whether this host is reached over TLS, and its subdomains are, is for what stands before it to say.
    strictTransportSecurity: false,
  });
  app.addHook("onRequest", (_request, reply, done) => {
    giveUpUnread(reply, slowMs);
    done();
  });
  for (const url of ["/", "/graphiql"])
    app.route({ method: ["GET", "HEAD"], url, handler: (_request, reply) => send(reply, TO_GRAPHIQL, slowMs) });
  if (!(await isFile(join(graphiqlFolder, "index.html")))) {
    app.get("/graphiql/", () => {
      const instead = "run npm run build:graphiql. The API is at /graphql";
      throw new AuditError("NOT_FOUND", `GraphiQL is not built here: ${instead}`);
    });
    return;
  }
  await app.register(fastifyStatic, {
    root: graphiqlFolder,
    prefix: "/graphiql/",
    wildcard: false,
    preCompressed: true,
    cacheControl: false,
    decorateReply: false,
    setHeaders: (reply, path) => {
      void reply.header("cache-control", HASHED_NAME.test(path) ? FOR_EVER : "no-cache");
    },
  });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
