import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../browser.js";
import { gatewayFolder, removeFolder, startGateway } from "../gateway.js";
import { row } from "./site.js";

export const PICTURES_FOLDER = fileURLToPath(new URL("../../../docs/pictures/", import.meta.url));

export interface Picture {
  /** The file, in docs/pictures. */
  readonly name: string;
  readonly path: string;
  readonly height: number;
  /** Leads from the page to what is shown. */
  readonly show: (page: Page) => Promise<void>;
}

const WIDTH = 1120;
/** Pixels for each of the page's: sharp where a README is shown half as wide. */
export const SCALE = 1.25;
const QUALITY = 25;

/** Of the demonstration: what README shows. */
export const PICTURES: readonly Picture[] = [
  { name: "search.webp", path: "/?values=shown", height: 600, show: () => Promise.resolve() },
  {
    name: "entry.webp",
    path: "/?q=actor:dana&columns=receivedAt,action,status,message",
    height: 760,
    show: async (page) => {
      await page.getByRole("img", { name: "Not verified. Stored bytes" }).waitFor();
      await row(page, "made dana an administrator").click();
      const proof = page.getByRole("dialog").locator(".proof");
      await proof.waitFor();
      await page.getByRole("heading", { name: "Verified in this browser" }).evaluate(scrollToTop);
      await page.mouse.move(0, 0);
    },
  },
];

/** Takes the pictures of a demonstration that is started for them. Returns the bytes of each file, by its name. */
export async function takePictures(): Promise<ReadonlyMap<string, Buffer>> {
  const folder = gatewayFolder();
  const [gateway, browser] = await Promise.all([
    startGateway({ folder, command: ["demo", "--port", "0"] }),
    launchBrowser(),
  ]);
  try {
    const taken = new Map<string, Buffer>();
    for (const picture of PICTURES) taken.set(picture.name, await take(browser, gateway.url, picture));
    return taken;
  } finally {
    await browser.close();
    await gateway.stop();
    removeFolder(folder);
  }
}

async function take(browser: Browser, url: string, { path, height, show }: Picture): Promise<Buffer> {
  const viewport = { width: WIDTH, height };
  const context = await browser.newContext({ viewport, deviceScaleFactor: SCALE, colorScheme: "light" });
  const page = await context.newPage();
  await page.goto(url + path);
  await page.getByRole("img", { name: "Verified", exact: true }).nth(10).waitFor();
  await page.locator(".query-editor").waitFor();
  await page.locator(".bars canvas").waitFor();
  await page.getByText("History: first visit").waitFor();
  await show(page);
  await page.evaluate("document.fonts.ready");
  const session = await context.newCDPSession(page);
  // Without a scale, it has the pixels of the page and not those of the screen.
  const clip = { x: 0, y: 0, ...viewport, scale: SCALE };
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: QUALITY, clip });
  await context.close();
  return Buffer.from(data, "base64");
}

/** No DOM types here. */
function scrollToTop(element: unknown): void {
  (element as { scrollIntoView(options: object): void }).scrollIntoView({ block: "start" });
}

/** Width and height in pixels of an extended WebP file, as Chromium writes it (RFC 9649, section 2.7). Throws where it is none. */
export function sizeOf(picture: Buffer): readonly [width: number, height: number] {
  if (picture.toString("latin1", 8, 16) !== "WEBPVP8X") throw new Error("it is no extended WebP");
  return [picture.readUIntLE(24, 3) + 1, picture.readUIntLE(27, 3) + 1];
}

/** How large a picture of it is. */
export function wantedSize({ height }: Picture): readonly [width: number, height: number] {
  return [WIDTH * SCALE, height * SCALE];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mkdir(PICTURES_FOLDER, { recursive: true });
  for (const [name, bytes] of await takePictures()) await writeFile(join(PICTURES_FOLDER, name), bytes);
}
