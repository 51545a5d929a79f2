import { createElement, useState, type SubmitEvent, type ReactElement } from "react";

/** Gone with the tab: what opens a log is not left behind on a shared machine. */
const KEPT_AS = "auditql:credential";

/** The API key or JSON Web Token that was given in this tab; the empty text: none. */
export function keptCredential(): string {
  return sessionStorage.getItem(KEPT_AS) ?? "";
}

export interface CredentialBarProps {
  /** Whether the gateway refused what it was shown last. */
  readonly isRefused: boolean;
  readonly onCredential: (credential: string) => void;
}

/** Takes the credential once for all tabs of GraphiQL, where the gateway asks for one. */
export function CredentialBar({ isRefused, onCredential }: CredentialBarProps): ReactElement {
  const [text, setText] = useState(keptCredential);
  const use = (event: SubmitEvent): void => {
    event.preventDefault();
    const credential = text.trim().replace(/^bearer +/i, "");
    sessionStorage.setItem(KEPT_AS, credential);
    onCredential(credential);
  };
  return createElement(
    "form",
    { className: "credential-bar", onSubmit: use },
    createElement("label", { htmlFor: "credential" }, "API key or token"),
    createElement("input", {
      ...{ id: "credential", type: "password", autoComplete: "off", spellCheck: false, value: text },
      onChange: (event: { readonly target: HTMLInputElement }) => {
        setText(event.target.value);
      },
    }),
    createElement("button", { type: "submit" }, "Use"),
    createElement(
      "output",
      null,
      isRefused ? sentence(keptCredential()) : "Sent with every operation; forgotten when this browser tab is closed.",
    ),
  );
}

function sentence(credential: string): string {
  return credential === ""
    ? "This gateway asks for a credential. Without one, the documentation is empty and operations are refused."
    : "The gateway does not accept this credential.";
}
