import { type GatewayProcess, startGateway } from "../gateway.js";

/** Several gateways with the same settings and the same key file, each a process of its own. */
export class Fleet {
  private constructor(
    private readonly gateways: GatewayProcess[],
    private readonly folder: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** The first one makes the key file in `folder`. */
  static async start(count: number, folder: string, env: Readonly<Record<string, string>>): Promise<Fleet> {
    const first = await startGateway({ folder, env });
    const others = Array.from({ length: count - 1 }, () => startGateway({ folder, env }));
    return new Fleet([first, ...(await Promise.all(others))], folder, env);
  }

  all(): readonly string[] {
    return this.gateways.map(({ url }) => url);
  }

  /** The address of any one of them. */
  some(): string {
    return this.all()[Math.floor(this.gateways.length * Math.random())] ?? "";
  }

  async killAndRestart(place: number): Promise<void> {
    await this.gateways[place]?.stop("SIGKILL");
    this.gateways[place] = await startGateway({ folder: this.folder, env: this.env });
  }

  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
  }
}
