import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../free-port.js";
import { postgresPrograms, sql } from "../stores/postgres/server.js";
import { CuttableLink } from "./cuttable-link.js";
import type { Programs } from "./programs.js";
import { until } from "./until.js";

/** The shortest time that Patroni allows for a lost leader's lock to run out. */
export const TTL_SECONDS = 20;
const DATABASE = "auditql";
export const NODES = ["node1", "node2", "node3"] as const;
export type NodeName = (typeof NODES)[number];

/** What a partition cuts of a node: its way to etcd, and the ways of the other nodes to its PostgreSQL and its Patroni. */
interface Links {
  readonly etcd: CuttableLink;
  readonly postgres: CuttableLink;
  readonly patroni: CuttableLink;
}

interface Node {
  readonly postgresPort: number;
  readonly patroniPort: number;
  readonly links: Links;
}

/** As Patroni's `GET /cluster` tells it. */
interface Member {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly lag?: number | string;
}

/**
 * PostgreSQL on three nodes under Patroni, in synchronous mode: a commit waits for one standby, and only that one is promoted.
 * Beside it etcd, HAProxy, which leads to the leader, and PgBouncer in front of HAProxy.
 */
export class Cluster {
  private constructor(
    private readonly programs: Programs,
    private readonly nodes: ReadonlyMap<NodeName, Node>,
    private readonly ports: { readonly etcd: number; readonly haproxy: number; readonly pgbouncer: number },
  ) {}

  /** Resolves when a leader takes transactions, with a synchronous standby and a second one behind it. */
  static async start(programs: Programs): Promise<Cluster> {
    const ports = { etcd: await freePort(), haproxy: await freePort(), pgbouncer: await freePort() };
    const nodes = new Map<NodeName, Node>();
    for (const name of NODES) nodes.set(name, await newNode(ports.etcd));
    const cluster = new Cluster(programs, nodes, ports);
    await cluster.#startEtcd();
    for (const [name, node] of nodes) cluster.#startPatroni(name, node);
    await cluster.whole();
    const leader = await cluster.leader();
    if (leader === undefined) throw new Error("the leader was lost while the cluster started");
    await cluster.#createDatabase(leader);
    cluster.#startHaproxy();
    cluster.#startPgbouncer();
    return cluster;
  }

  /** How a gateway reaches the database. */
  get urls(): { readonly haproxy: string; readonly pgbouncer: string } {
    const url = (port: number): string => `postgres://auditql@127.0.0.1:${port}/${DATABASE}`;
    return { haproxy: url(this.ports.haproxy), pgbouncer: url(this.ports.pgbouncer) };
  }

  /** The database on one node, past everything that is between. */
  urlOf(name: NodeName): string {
    return `postgres://postgres@127.0.0.1:${this.#node(name).postgresPort}/${DATABASE}`;
  }

  linksOf(name: NodeName): Links {
    return this.#node(name).links;
  }

  /** The node that Patroni says is the leader, asked on each node but these; undefined when there is none. */
  async leader(except: readonly NodeName[] = []): Promise<NodeName | undefined> {
    for (const name of NODES.filter((node) => !except.includes(node))) {
      if ((await this.#ask(name, "/primary"))?.status === 200) return name;
    }
    return undefined;
  }

  /** Resolves with the leader when it is another node. */
  async otherLeader(than: NodeName): Promise<NodeName> {
    return until("another node is the leader", () => this.leader([than]));
  }

  /** Resolves when there are a leader, a synchronous standby and another standby, and all of them run. */
  async whole(): Promise<void> {
    await until("all three nodes run, one of them as synchronous standby", async () => {
      const leader = await this.leader();
      if (leader === undefined) return undefined;
      const { members } = (await this.#ask(leader, "/cluster"))?.body as { readonly members: readonly Member[] };
      const roles = members.map(({ role }) => role).sort();
      const isRunning = members.every(({ state, lag = 0 }) => /^(running|streaming)$/.test(state) && lag !== "unknown");
      return isRunning && roles.join() === "leader,replica,sync_standby" ? true : undefined;
    });
  }

  /** Asks Patroni to hand the leader's part to the synchronous standby; resolves when it has said how that went. */
  async switchOver(leader: NodeName): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.#node(leader).patroniPort}/switchover`, {
      method: "POST",
      body: JSON.stringify({ leader }),
    });
    if (answer.status !== 200)
      throw new Error(`Patroni refused the switchover: ${answer.status} ${await answer.text()}`);
  }

  close(): void {
    for (const { links } of this.nodes.values())
      for (const link of Object.values<CuttableLink>({ ...links })) link.close();
  }

  #node(name: NodeName): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new RangeError(`no node is called ${name}`);
    return node;
  }

  async #ask(name: NodeName, path: string): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
    try {
      const signal = AbortSignal.timeout(5_000);
      const response = await fetch(`http://127.0.0.1:${this.#node(name).patroniPort}${path}`, { signal });
      return { status: response.status, body: await response.json() };
    } catch {
      return undefined;
    }
  }

  async #startEtcd(): Promise<void> {
    const client = `http://127.0.0.1:${this.ports.etcd}`;
    const peer = `http://127.0.0.1:${await freePort()}`;
    const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer];
    const members = ["--initial-advertise-peer-urls", peer, "--initial-cluster", `etcd=${peer}`];
    const args = ["--name", "etcd", "--data-dir", "data", ...urls, ...members];
    this.programs.start({ name: "etcd", command: "etcd", args, runsAs: "server user" });
    await until("etcd is healthy", async () => {
      const answer = await fetch(`${client}/health`).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    });
  }

  #startPatroni(name: NodeName, node: Node): void {
    const folder = this.programs.folderOf(name);
    // JSON is YAML; PostgreSQL wants a folder that is its user's alone, which Patroni makes.
    writeFileSync(join(folder, "patroni.yml"), JSON.stringify(patroniConfig(name, node, folder)));
    this.programs.start({ name, command: "patroni", args: ["patroni.yml"], runsAs: "server user" });
  }

  async #createDatabase(leader: NodeName): Promise<void> {
    const url = this.urlOf(leader).replace(`/${DATABASE}`, "/postgres");
    await sql(url, "CREATE ROLE auditql LOGIN");
    // What is acknowledged must not rest on the role's default, nor on what a pooler passes on of a session's options.
    await sql(url, "ALTER ROLE auditql SET synchronous_commit = off");
    await sql(url, `CREATE DATABASE ${DATABASE} OWNER auditql`);
  }

  /** Its checks go where the gateways' connections go, not through the links: a leader that is cut off is still shown to them. */
  #startHaproxy(): void {
    const servers = [...this.nodes].map(
      ([name, { postgresPort, patroniPort }]) =>
        `  server ${name} 127.0.0.1:${postgresPort} check port ${patroniPort} inter 2s fall 3 rise 2 on-marked-down shutdown-sessions`,
    );
    const config = `
defaults
  mode tcp
  timeout connect 5s
  timeout check 5s
  timeout client 30m
  timeout server 30m
listen primary
  bind 127.0.0.1:${this.ports.haproxy}
  option httpchk OPTIONS /primary
  http-check expect status 200
${servers.join("\n")}
`;
    writeFileSync(join(this.programs.folderOf("haproxy"), "haproxy.cfg"), config);
    const args = ["-db", "-f", "haproxy.cfg"];
    this.programs.start({ name: "haproxy", command: "haproxy", args, runsAs: "server user" });
  }

  #startPgbouncer(): void {
    const folder = this.programs.folderOf("pgbouncer");
    writeFileSync(join(folder, "users.txt"), `"auditql" ""\n`);
    const config = `
[databases]
${DATABASE} = host=127.0.0.1 port=${this.ports.haproxy}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${this.ports.pgbouncer}
unix_socket_dir =
auth_type = trust
auth_file = users.txt
pool_mode = session
server_login_retry = 1
ignore_startup_parameters = options, statement_timeout, idle_in_transaction_session_timeout, extra_float_digits
`;
    writeFileSync(join(folder, "pgbouncer.ini"), config);
    const args = ["pgbouncer.ini"];
    this.programs.start({ name: "pgbouncer", command: "pgbouncer", args, runsAs: "server user" });
  }
}

async function newNode(etcdPort: number): Promise<Node> {
  const [postgresPort, patroniPort] = [await freePort(), await freePort()];
  const links = {
    etcd: await CuttableLink.to(etcdPort),
    postgres: await CuttableLink.to(postgresPort),
    patroni: await CuttableLink.to(patroniPort),
  };
  return { postgresPort, patroniPort, links };
}

/** The other nodes are told the links' ports, and etcd is reached through one. */
function patroniConfig(name: NodeName, { postgresPort, patroniPort, links }: Node, folder: string): object {
  return {
    scope: "auditql",
    name,
    restapi: { listen: `127.0.0.1:${patroniPort}`, connect_address: `127.0.0.1:${links.patroni.port}` },
    // The members that etcd would name itself are not behind the link.
    etcd3: { hosts: [`127.0.0.1:${links.etcd.port}`], use_proxies: true },
    bootstrap: {
      dcs: {
        ttl: TTL_SECONDS,
        loop_wait: 4,
        retry_timeout: 8,
        synchronous_mode: true,
        postgresql: {
          use_pg_rewind: true,
          parameters: { max_connections: 100, wal_keep_size: "512MB" },
        },
      },
      initdb: [{ encoding: "UTF8" }, { locale: "C" }, "data-checksums"],
    },
    postgresql: {
      listen: `127.0.0.1:${postgresPort}`,
      connect_address: `127.0.0.1:${links.postgres.port}`,
      data_dir: join(folder, "data"),
      bin_dir: postgresPrograms(),
      pgpass: join(folder, "pgpass"),
      // Not below the data, where pg_rewind would read its socket as a file.
      parameters: { unix_socket_directories: folder },
      pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
      authentication: { superuser: { username: "postgres" }, replication: { username: "replicator" } },
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
    },
  };
}
