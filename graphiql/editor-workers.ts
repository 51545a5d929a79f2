/** Monaco asks for its workers by language; each is a file of its own beside the page, so no blob: exception is needed. */
const WORKERS: Readonly<Record<string, string>> = {
  graphql: "./graphql.worker.js",
  json: "./json.worker.js",
};

const environment = {
  getWorker: (_moduleId: string, language: string): Worker =>
    new Worker(new URL(WORKERS[language] ?? "./editor.worker.js", import.meta.url), { type: "module" }),
};

Object.assign(globalThis, { MonacoEnvironment: environment });
