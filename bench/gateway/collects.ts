/** Imported into a gateway that runs with --expose-gc: at SIGUSR2 it collects its garbage, so that what is live can be seen. */
process.on("SIGUSR2", () => {
  globalThis.gc?.();
});
