// Run in the folder where the peers are installed: node hypercore.mjs <folder> <file of one entry a line> <entries a batch>
// Appends every line to a hypercore, batch by batch, then reads some at random; prints { appended, read } a second.
import { readFileSync } from "node:fs";
import Hypercore from "hypercore";

const [folder, file, size] = process.argv.slice(2);
const READS = 10_000;
const entries = readFileSync(file, "utf8").trimEnd().split("\n").map(Buffer.from);
const core = new Hypercore(folder);
await core.ready();
let began = performance.now();
for (let first = 0; first < entries.length; first += Number(size))
  await core.append(entries.slice(first, first + Number(size)));
const appended = (entries.length * 1_000) / (performance.now() - began);
began = performance.now();
for (let i = 0; i < READS; i++) await core.get((i * 7_919) % entries.length);
const read = (READS * 1_000) / (performance.now() - began);
await core.close();
process.stdout.write(JSON.stringify({ appended, read }) + "\n");
