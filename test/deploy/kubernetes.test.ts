import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { createKey } from "../../src/access/key-file.js";
import { SETTINGS } from "../../src/settings/table.js";
import { startGateway, type GatewayProcess } from "../gateway.js";
import { RedisServer, redisProgram } from "../caches/redis-server.js";
import { describeWith } from "../service.js";
import { hasPostgres, somePostgres, type PostgresServer } from "../stores/postgres/server.js";
import { deployText } from "./metric-names.js";

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly timeoutSeconds: number;
}

interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Backend {
  readonly service: { readonly name: string; readonly port: { readonly name: string } };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: unknown; readonly annotations: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly [Container];
        readonly volumes: readonly { readonly name: string; readonly secret: { readonly defaultMode: number } }[];
      };
    };
    readonly selector: { readonly matchLabels: unknown };
    readonly ports: readonly { readonly name: string; readonly targetPort: string }[];
    readonly rules: readonly {
      readonly http: { readonly paths: readonly { readonly path: string; readonly backend: Backend }[] };
    }[];
  };
}

const documents = parseAllDocuments(deployText("kubernetes/auditql.yaml"));
const manifests = documents.map((document) => document.toJS() as Manifest);

function manifest(kind: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} of ${kind}`);
  return only;
}

const { template, selector } = manifest("Deployment").spec;
const [container] = template.spec.containers;
const settings = SETTINGS.rows.map(({ variable }) => variable);

describe("the manifest for Kubernetes", () => {
  test("is YAML without a key twice, of objects in one namespace", () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(new Set(manifests.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["auditql"]));
  });

  test("sets settings that there are, and each secret's path where it is mounted", () => {
    expect(container.env.map(({ name }) => name).filter((name) => !settings.includes(name))).toEqual([]);
    const [mount] = container.volumeMounts;
    const paths = container.env.map(({ value }) => value).filter((value) => value.startsWith("/"));
    expect(paths.filter((path) => !path.startsWith(`${mount?.mountPath ?? ""}/`))).toEqual([]);
    const made = /create secret generic auditql ([^]*?)\n#   kubectl apply/.exec(
      deployText("kubernetes/auditql.yaml"),
    )?.[1];
    const names = Array.from((made ?? "").matchAll(/--from-(?:file|literal)=([\w.-]+)/g), ([, name = ""]) => name);
    expect(paths.map((path) => path.split("/").at(-1)).sort()).toEqual([...names].sort());
  });

  test("leads from the Ingress and the Service to the gateway's port, and so do its probes and scrapes", () => {
    const [port] = container.ports;
    expect(String(port?.containerPort)).toBe(container.env.find(({ name }) => name === "AUDITQL_PORT")?.value);
    expect(template.metadata.annotations["prometheus.io/port"]).toBe(String(port?.containerPort));
    expect([container.livenessProbe, container.readinessProbe].map(({ httpGet }) => httpGet.port)).toEqual([
      ...[port?.name, port?.name],
    ]);
    const service = manifest("Service");
    expect(service.spec.ports.map(({ targetPort }) => targetPort)).toEqual([port?.name]);
    for (const one of [
      service.spec.selector,
      selector.matchLabels,
      manifest("PodDisruptionBudget").spec.selector.matchLabels,
    ])
      expect(one).toEqual(template.metadata.labels);
    const backends = manifest("Ingress").spec.rules.flatMap(({ http }) =>
      http.paths.map(({ backend }) => backend.service),
    );
    for (const { name, port: named } of backends)
      expect([name, named.name]).toEqual([service.metadata.name, service.spec.ports[0]?.name]);
  });

  test("lets the gateway's group read the secrets, and nobody else", () => {
    expect(template.spec.volumes.map(({ secret }) => secret.defaultMode)).toEqual([0o440]);
  });
});

describeWith("PostgreSQL and Redis", hasPostgres() && redisProgram !== undefined, () => {
  let folder: string;
  let server: PostgresServer;
  let redis: RedisServer;
  let gateway: GatewayProcess;

  /** With the environment of the manifest, and its secrets in a folder. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-kubernetes-"));
    [server, redis] = [await somePostgres(), await RedisServer.start()];
    const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
    await writeFile(join(folder, "auditql.key"), pem, { mode: 0o400 });
    await writeFile(join(folder, "store"), await server.newDatabase());
    await writeFile(join(folder, "redis"), redis.url);
    await createKey(join(folder, "api-keys.json"), { name: "first", scopes: ["audit:read"] }, new Date());
    const here = container.env.map(({ name, value }) => [name, value.replace("/secrets/", `${folder}/`)] as const);
    const env = { ...Object.fromEntries(here), AUDITQL_HOST: "127.0.0.1", AUDITQL_PORT: "0", AUDITQL_STORE: "" };
    gateway = await startGateway({ folder, env });
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([server.close(), redis.kill()]);
    await rm(folder, { recursive: true });
  });

  test("a gateway starts as the manifest says, and answers its probes", async () => {
    for (const { httpGet, timeoutSeconds } of [container.livenessProbe, container.readinessProbe]) {
      const response = await fetch(gateway.url + httpGet.path);
      expect([httpGet.path, response.status, await response.json()]).toEqual([
        ...[httpGet.path, 200, { status: httpGet.path === "/healthz" ? "up" : "ready" }],
      ]);
      // It answers within 2 s whatever becomes of the database.
      expect(timeoutSeconds).toBeGreaterThan(2);
    }
  });

  test("the paths of the Ingress lead somewhere", async () => {
    const paths = manifest("Ingress").spec.rules.flatMap(({ http }) => http.paths.map(({ path }) => path));
    // The pages are bundled by a step of its own, which need not have run here.
    const pages = ["/", "/viewer", "/graphiql"];
    expect(paths).toEqual(expect.arrayContaining(pages));
    const tried = paths.filter((path) => !pages.includes(path));
    const answers = tried.map(async (path) => {
      const method = path === "/stream-tokens" ? "POST" : "GET";
      const place = path === "/downloads" ? `${path}/none` : path;
      const response = await fetch(gateway.url + place, { method, headers: { accept: "application/json" } });
      const { errors } = (await response.json()) as { errors: readonly { extensions: { code: string } }[] };
      return [path, response.status, errors[0]?.extensions.code];
    });
    // The door of downloads says itself that there is none, where no other path of that name would be known.
    expect(await Promise.all(answers)).toEqual([
      ["/graphql", 401, "UNAUTHENTICATED"],
      ["/downloads", 404, "NOT_FOUND"],
      ["/stream-tokens", 401, "UNAUTHENTICATED"],
    ]);
  });
});
