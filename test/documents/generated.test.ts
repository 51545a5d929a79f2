import { expect, test } from "@jest/globals";
import { GENERATED, made } from "./generated.js";

test.each(GENERATED.map((document) => [document.name, document] as const))(
  "%s says what the code says: else run `npm run docs`",
  async (_name, document) => {
    const { current, wanted } = await made(document);
    expect(current).toBe(wanted);
  },
);
