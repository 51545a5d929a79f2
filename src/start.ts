#!/usr/bin/env node
import module from "node:module";
import { fileURLToPath } from "node:url";

/** Node 22 has it; the types are those of Node 20. */
type Modules = typeof module & { readonly enableCompileCache?: (folder: string) => unknown };

// What was compiled is kept beside the program: who may write there may change the program too, which does not hold of
// Node's default, a folder of /tmp. Where this process may not write there, nothing is kept.
const { enableCompileCache }: Modules = module;
enableCompileCache?.(fileURLToPath(new URL("../.compiled", import.meta.url)));

await import("./main.js");
