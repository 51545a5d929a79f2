import { build } from "esbuild";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Reacts that an application may have: ours, and the one that the tests of other clients install. */
export const REACTS = { 19: join(ROOT, "node_modules"), 18: join(ROOT, "test/clients/node_modules") } as const;

/** What the page of the application mounts. Tokens are returned one after the other, the last one from then on. */
export interface HostPage {
  readonly tables: readonly Readonly<Record<string, unknown>>[];
  readonly entry?: Readonly<Record<string, unknown>>;
  readonly tokens: readonly string[];
}

/** Its own React root, in strict mode, with a handler around everything, as a team writes it that knows nothing of the viewer. */
const APPLICATION = `
  import { StrictMode, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { AuditEntry, AuditTable } from "auditql/viewer";

  const { tables, entry, tokens } = JSON.parse(document.getElementById("page").textContent);
  let asked = 0;
  const token = () => Promise.resolve(tokens[Math.min(asked++, tokens.length - 1)]);
  const given = tokens.length === 0 ? {} : { token };

  function Application() {
    const [clicks, setClicks] = useState(0);
    const [isMounted, setMounted] = useState(true);
    return (
      <main onClick={() => setClicks((before) => before + 1)}>
        <h1>Our application</h1>
        <button id="own" onClick={() => setMounted(false)}>Leave</button>
        <label>Our field <input /></label>
        <p>Clicks: <output>{clicks}</output></p>
        {isMounted && tables.map((table, place) => (
          <section key={place} aria-label={"Trail " + (place + 1)}>
            <AuditTable {...table} {...given} className="trail" />
          </section>
        ))}
        {isMounted && entry && <section aria-label="One entry"><AuditEntry {...entry} {...given} /></section>}
      </main>
    );
  }
  createRoot(document.getElementById("root")).render(<StrictMode><Application /></StrictMode>);
`;

/** What a page may have that would break everything it reaches. */
const STYLES = `
  * { letter-spacing: 4px; box-sizing: content-box; border-radius: 0 !important; }
  body { font: italic 27px/3 serif; color: purple; text-transform: uppercase; visibility: visible; }
  button, input, select, table, ul, svg { border: 7px solid lime !important; margin: 11px !important; }
  button { background: orange !important; }
  .page, .table, .row, .cell, .panel, .lock, .search, [role="dialog"], [role="grid"] { display: none !important; }
  .trail { height: 620px; }
`;

/** Nothing inline, nothing from elsewhere but the gateway's API. */
const policyFor = (gateway: string): string =>
  `default-src 'none'; base-uri 'none'; script-src 'self'; style-src 'self'; connect-src ${gateway}`;

export interface HostApplication {
  readonly url: string;
  /** What its page is from now on. */
  show(page: HostPage, gateway: string): void;
  /** The module of the package, as the application's bundler finds it. */
  readonly modules: string;
  close(): void;
}

/** Another React application, with the package installed: bundled with the React in `reacts`, and served. */
export async function openHostApplication(reacts: string): Promise<HostApplication> {
  const folder = mkdtempSync(join(tmpdir(), "auditql-host-"));
  const modules = join(folder, "node_modules");
  install(modules, reacts);
  const script = await bundled(folder);
  let [html, policy] = ["", ""];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const [type, body] =
      pathname === "/application.js"
        ? ["text/javascript", script]
        : pathname === "/application.css"
          ? ["text/css", STYLES]
          : ["text/html; charset=utf-8", html];
    response.setHeader("content-security-policy", policy);
    response.setHeader("content-type", type).end(body);
  });
  const close = (): void => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  };
  const show = (page: HostPage, gateway: string): void => {
    [html, policy] = [htmlOf(page), policyFor(gateway)];
  };
  return { url: await listening(server), modules, show, close };
}

/** What the package ships of it, as npm puts it there, beside a React of the application's own. */
function install(modules: string, reacts: string): void {
  const ours = join(modules, "auditql");
  mkdirSync(join(ours, "build"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(ours, "package.json"));
  cpSync(join(ROOT, "build/viewer-embed"), join(ours, "build/viewer-embed"), { recursive: true });
  for (const name of ["react", "react-dom", "scheduler"])
    symlinkSync(realpathSync(join(reacts, name)), join(modules, name));
}

async function bundled(folder: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: APPLICATION, resolveDir: folder, loader: "jsx" },
    ...{ bundle: true, write: false, format: "iife", jsx: "automatic", logLevel: "error" },
    define: { "process.env.NODE_ENV": '"development"' },
  });
  return outputFiles[0]?.text ?? "";
}

function htmlOf(page: HostPage): string {
  return `<!doctype html><html lang="en"><title>Our application</title><link rel="stylesheet" href="/application.css">
    <script type="application/json" id="page">${JSON.stringify(page)}</script>
    <div id="root"></div><script src="/application.js"></script></html>`;
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
