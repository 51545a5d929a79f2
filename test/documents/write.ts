import { writeFile } from "node:fs/promises";
import { GENERATED, made } from "./generated.js";

for (const document of GENERATED) {
  const { path, current, wanted } = await made(document);
  if (current !== wanted) await writeFile(path, wanted);
}
