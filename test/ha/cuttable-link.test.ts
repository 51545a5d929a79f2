import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CuttableLink } from "./cuttable-link.js";

/** Far more than loopback takes: what has not arrived by then is held. */
const LONG_MS = 200;

describe("a link that can be cut", () => {
  const sockets: Socket[] = [];
  let echo: Server;
  let link: CuttableLink;

  beforeEach(async () => {
    echo = createServer((socket) => {
      sockets.push(socket.on("error", () => undefined));
      socket.pipe(socket);
    }).listen(0, "127.0.0.1");
    await once(echo, "listening");
    link = await CuttableLink.to((echo.address() as AddressInfo).port);
  });

  afterEach(() => {
    link.close();
    echo.close();
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  const client = async (): Promise<{ readonly socket: Socket; readonly heard: () => string }> => {
    const socket = connect(link.port, "127.0.0.1");
    sockets.push(socket);
    let heard = "";
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    await once(socket, "connect");
    return { socket, heard: () => heard };
  };

  const eventually = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await sleep(5);
  };

  test("passes on what is said, and an end", async () => {
    const { socket, heard } = await client();
    socket.end("said");
    await once(socket, "close");
    expect(heard()).toBe("said");
  });

  test("holds what is said while it is cut, closes nothing, and passes it on when it is mended", async () => {
    const { socket, heard } = await client();
    socket.write("before ");
    await eventually(() => heard() === "before ");
    link.cut();
    socket.write("meanwhile");
    await sleep(LONG_MS);
    expect([heard(), socket.readyState]).toEqual(["before ", "open"]);
    link.mend();
    await eventually(() => heard() === "before meanwhile");
  });

  test("lets who connects while it is cut wait, and through when it is mended", async () => {
    link.cut();
    const { socket, heard } = await client();
    socket.write("early");
    await sleep(LONG_MS);
    expect([heard(), socket.readyState]).toEqual(["", "open"]);
    link.mend();
    await eventually(() => heard() === "early");
  });

  test("tells one end that the other has gone, but not before it is mended", async () => {
    const { socket, heard } = await client();
    socket.write("there");
    await eventually(() => heard() === "there");
    link.cut();
    for (const other of sockets) if (other !== socket) other.resetAndDestroy();
    await sleep(LONG_MS);
    expect(socket.readyState).toBe("open");
    const closed = once(socket, "close");
    link.mend();
    await closed;
  });
});
