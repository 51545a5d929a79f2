import { keyringOfSeed } from "../src/keys/keyring.js";

/** The keys of tests, the same in every process. */
export const KEYRING = keyringOfSeed(new Uint8Array(32).fill(7));
