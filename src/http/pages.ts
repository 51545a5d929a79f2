import { stat } from "node:fs/promises";
import { join } from "node:path";
import fastifyHelmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { AuditError } from "../audit/errors.js";
import { giveUpUnread, send } from "./answer.js";

export interface PageFolders {
  /** The folder of GraphiQL's built files. */
  readonly graphiqlFolder: string;
  /** The folder of the viewer's built files. Default: / leads to GraphiQL. */
  readonly viewerFolder?: string | undefined;
}

export interface PagesOptions {
  readonly folders: PageFolders;
  /** How long a client may leave sent data unread. */
  readonly slowMs: number;
}

/** One page of ours, with the files that it loads. */
interface Site {
  readonly folder: string;
  /** The address of its index.html, with a slash at its end. */
  readonly prefix: string;
  readonly policy: typeof VIEWER_POLICY;
}

/** The build puts a hash of the content into the name, so such a file never changes. */
const HASHED_NAME = /-[A-Za-z0-9_-]{8}\.[a-z0-9]+(?:\.br|\.gz)?$/;
const TO_GRAPHIQL = { status: 308, headers: { location: "/graphiql/" }, body: "" };
/** Temporary: a later version may have a viewer there. */
const TO_GRAPHIQL_FOR_NOW = { ...TO_GRAPHIQL, status: 307 };
const FOR_EVER = "public, max-age=31536000, immutable";

/** The page may load and call this host only, and nothing is inline. */
const VIEWER_POLICY = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
  formAction: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'"],
};

/** The same, plus what its editor needs: inline styles, workers, fonts. */
const GRAPHIQL_POLICY = {
  ...VIEWER_POLICY,
  styleSrc: ["'self'", "'unsafe-inline'"],
  fontSrc: ["'self'", "data:"],
  imgSrc: ["'self'", "data:"],
  workerSrc: ["'self'"],
};

/**
 * The viewer at / and GraphiQL at /graphiql/: the files that are in their folders now, each sent as the build compressed it to
 * browsers that take that. As each file found has a route and nothing else has, no path can lead out of a folder.
 */
export async function pagesDoor(app: FastifyInstance, options: PagesOptions): Promise<void> {
  const { folders, slowMs } = options;
  const { graphiqlFolder, viewerFolder } = folders;
  app.addHook("onRequest", (_request, reply, done) => {
    giveUpUnread(reply, slowMs);
    done();
  });
  const redirect = (url: string, answer: typeof TO_GRAPHIQL): void => {
    app.route({ method: ["GET", "HEAD"], url, handler: (_request, reply) => send(reply, answer, slowMs) });
  };
  redirect("/graphiql", TO_GRAPHIQL);
  if (viewerFolder !== undefined && (await isBuilt(viewerFolder)))
    await app.register(site({ folder: viewerFolder, prefix: "/", policy: VIEWER_POLICY }));
  else redirect("/", TO_GRAPHIQL_FOR_NOW);
  if (await isBuilt(graphiqlFolder))
    await app.register(site({ folder: graphiqlFolder, prefix: "/graphiql/", policy: GRAPHIQL_POLICY }));
  else
    app.get("/graphiql/", () => {
      const instead = "run npm run build:pages. The API is at /graphql";
      throw new AuditError("NOT_FOUND", `GraphiQL is not built here: ${instead}`);
    });
}

function site({ folder, prefix, policy }: Site) {
  return async (app: FastifyInstance): Promise<void> => {
    await app.register(fastifyHelmet, {
      contentSecurityPolicy: { useDefaults: false, directives: policy },
      referrerPolicy: { policy: "no-referrer" },
      // Whether this host and its subdomains are reached over TLS is for the proxy in front of it to say.
      strictTransportSecurity: false,
    });
    await app.register(fastifyStatic, {
      root: folder,
      prefix,
      wildcard: false,
      preCompressed: true,
      // No addresses of their own: each would be two more routes to compile at every start.
      globIgnore: ["**/*.br", "**/*.gz"],
      cacheControl: false,
      decorateReply: false,
      setHeaders: (reply, path) => {
        void reply.header("cache-control", HASHED_NAME.test(path) ? FOR_EVER : "no-cache");
      },
    });
  };
}

async function isBuilt(folder: string): Promise<boolean> {
  return stat(join(folder, "index.html")).then(
    (found) => found.isFile(),
    () => false,
  );
}
