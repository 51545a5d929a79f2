import * as Menu from "@radix-ui/react-dropdown-menu";
import { useState, type ReactElement } from "react";
import type { Entry } from "./entry.js";
import { useMount, type Mount } from "./mount.js";
import type { View } from "./view.js";

interface CopyMenuProps {
  readonly entry: Entry | undefined;
  readonly view: View;
}

/** Copies an entry for people and for programs. */
export function CopyMenu({ entry, view }: CopyMenuProps): ReactElement {
  const mount = useMount();
  const [said, setSaid] = useState("");
  const copy = (text: string): void => {
    const copied = copyText(text);
    copied.then(
      () => {
        setSaid("Copied");
      },
      () => {
        setSaid("This browser does not let the page copy");
      },
    );
  };
  const texts = entry === undefined ? [] : textsOf(entry, view, mount);
  return (
    <Menu.Root
      modal={false}
      onOpenChange={() => {
        setSaid("");
      }}
    >
      <Menu.Trigger disabled={entry === undefined}>Copy</Menu.Trigger>
      <span role="status" className="said">
        {said}
      </span>
      <Menu.Portal container={mount.overlay}>
        <Menu.Content className="menu" align="end" sideOffset={4}>
          {texts.map(([name, text]) => (
            <Menu.Item
              key={name}
              className="item"
              onSelect={() => {
                copy(text);
              }}
            >
              {name}
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** The browser has no clipboard for a page that came neither over TLS nor from this machine. */
async function copyText(text: string): Promise<void> {
  if (!window.isSecureContext) throw new Error("not a secure context");
  await navigator.clipboard.writeText(text);
}

type Text = readonly [name: string, text: string];

function textsOf(entry: Entry, view: View, { gateway, addressOf }: Mount): readonly Text[] {
  const { leafIndex, canonical } = entry;
  const operation = operationFor(leafIndex, view.log);
  return [
    ...(addressOf === undefined ? [] : [["Link", addressOf({ ...view, entry: leafIndex })] as const]),
    ["GraphQL", operation],
    ["curl", curlFor(operation, gateway)],
    ["Entry as it was hashed", canonical],
  ];
}

function operationFor(leafIndex: number, log: string): string {
  const place = [`leafIndex: ${leafIndex}`, ...(log === "" ? [] : [`log: ${JSON.stringify(log)}`])].join(", ");
  const proof = "membershipProof { leafIndex treeSize leafHash rootHash path root { checkpoint } }";
  return `query {\n  entry(${place}) {\n    leafIndex hash receivedAt canonical\n    ${proof}\n  }\n}`;
}

/** With the name of a variable in the credential's place: what is copied may be pasted anywhere. */
function curlFor(operation: string, { url, hasToken }: Mount["gateway"]): string {
  const body = JSON.stringify({ query: operation.replaceAll(/\s+/g, " ") }).replaceAll("'", String.raw`'\''`);
  const credential = hasToken ? ['-H "authorization: Bearer $AUDITQL_KEY"'] : [];
  return ["curl", `'${url}'`, "-H 'content-type: application/json'", ...credential, `-d '${body}'`].join(" ");
}
