import { expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasBrowser } from "../browser.js";
import { describeWith } from "../service.js";
import { PICTURES, PICTURES_FOLDER, sizeOf, takePictures, wantedSize } from "./pictures.js";
import { START_MS } from "./site.js";

/** Those who clone or install us get them, too. */
const MOST_BYTES = 60_000;
/** A page that is not drawn is smaller. */
const LEAST_BYTES = 20_000;

test("the pictures in docs/pictures are those that README shows, and as `npm run pictures` takes them", () => {
  const readme = readFileSync(fileURLToPath(new URL("../../../README.md", import.meta.url)), "utf8");
  const shown = [...readme.matchAll(/!\[[^\]]{40,}\]\(docs\/pictures\/([\w-]+\.webp)\)/g)].map(([, name = ""]) => name);
  expect(shown).toEqual(PICTURES.map(({ name }) => name));
  expect(readdirSync(PICTURES_FOLDER).sort()).toEqual(shown.toSorted());
  for (const picture of PICTURES) expectPicture(readFileSync(join(PICTURES_FOLDER, picture.name)), picture);
});

describeWith("chromium, the pictures of the demonstration", hasBrowser, () => {
  test(
    "can be taken again",
    async () => {
      const taken = await takePictures();
      for (const picture of PICTURES) expectPicture(taken.get(picture.name), picture);
    },
    START_MS,
  );
});

function expectPicture(bytes: Buffer | undefined, picture: (typeof PICTURES)[number]): void {
  const found = bytes ?? Buffer.alloc(0);
  expect(sizeOf(found)).toEqual(wantedSize(picture));
  expect(found.length).toBeGreaterThan(LEAST_BYTES);
  expect(found.length).toBeLessThan(MOST_BYTES);
}
