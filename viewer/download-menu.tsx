import * as Menu from "@radix-ui/react-dropdown-menu";
import { useState, type ReactElement } from "react";
import { failureOf } from "./failure.js";
import { DownloadLinkDocument, type AuditDownloadFormat } from "./generated/operations.js";
import { useMount } from "./mount.js";
import type { Found } from "./use-result.js";

const FORMATS: readonly (readonly [format: AuditDownloadFormat, name: string, what: string])[] = [
  ["CSV", "CSV", "a table for spreadsheets"],
  ["NDJSON", "NDJSON", "an entry on each line, for programs"],
  ["JSON", "JSON evidence", "entries with proofs, for auditql verify"],
  ["EVIDENCE", "Evidence in lines", "the same, for results of any size"],
];

/** Downloads the whole result, as it was when it was found. */
export function DownloadMenu({ found }: { readonly found: Found | undefined }): ReactElement {
  const { gateway, overlay } = useMount();
  const [failure, setFailure] = useState("");
  const download = (format: AuditDownloadFormat): void => {
    setFailure("");
    if (found === undefined) return;
    gateway.ask(DownloadLinkDocument, { resultId: found.resultId, format }).then(
      ({ downloadResults }) => {
        window.location.assign(new URL(downloadResults.url, gateway.url));
      },
      (error: unknown) => {
        setFailure(failureOf(error).message);
      },
    );
  };
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger disabled={found === undefined || found.rowCount === 0}>Download</Menu.Trigger>
      {failure !== "" && (
        <span className="wrong" role="alert">
          {failure}
        </span>
      )}
      <Menu.Portal container={overlay}>
        <Menu.Content className="menu" align="end" sideOffset={4}>
          {FORMATS.map(([format, name, what]) => (
            <Menu.Item
              key={format}
              className="item"
              onSelect={() => {
                download(format);
              }}
            >
              {name} <span className="quiet">{what}</span>
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
