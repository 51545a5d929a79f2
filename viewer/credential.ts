/** Gone with the tab: what opens a log is not left behind on a shared machine. GraphiQL keeps it in the same place. */
const KEPT_AS = "auditql:credential";

/** The API key or JSON Web Token that was given in this tab; the empty text: none. */
export function keptCredential(): string {
  return sessionStorage.getItem(KEPT_AS) ?? "";
}

/** Takes a credential as people paste it, also with `Bearer` before it. */
export function keepCredential(text: string): void {
  sessionStorage.setItem(KEPT_AS, text.trim().replace(/^bearer +/i, ""));
}
