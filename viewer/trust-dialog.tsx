import { useId, useState, type ReactElement, type SubmitEvent } from "react";
import { ButtonDialog } from "./dialog.js";
import { sentenceOf } from "./lock.js";
import { useMount } from "./mount.js";
import type { SignedTree } from "./trust.js";
import type { Trust } from "./use-trust.js";

interface TrustDialogProps {
  readonly trust: Trust;
  readonly log: string;
  readonly tree: SignedTree;
}

/** What this browser trusts and remembers of the log. */
export function TrustDialog({ trust, log, tree }: TrustDialogProps): ReactElement {
  const { memory } = useMount();
  const kept = memory.kept(log);
  const isFixed = memory.given !== undefined;
  return (
    <ButtonDialog button="Details" label="Details of what this browser remembers" title="What this browser trusts">
      <dl className="facts">
        <dt>Remembered</dt>
        <dd>{sentenceOf(trust.history)}</dd>
        {kept?.tree !== undefined && (
          <>
            <dt>Newest root</dt>
            <dd>
              {kept.tree.treeSize.toLocaleString("en")} entries <code>{kept.tree.hash}</code>
            </dd>
          </>
        )}
        <dt>
          {isFixed ? "Key of this page" : kept?.isGiven === true ? "Key that you gave" : "Key of the first visit"}
        </dt>
        <dd>
          <code>{kept?.key}</code>
        </dd>
        {kept !== undefined && kept.key !== tree.publicKey && (
          <>
            <dt>Key that the gateway names now</dt>
            <dd>
              <code>{tree.publicKey}</code>
            </dd>
          </>
        )}
      </dl>
      {!isFixed && <KeyForm trust={trust} />}
      <p className="quiet">
        {!isFixed &&
          "A key from the gateway itself proves only that nothing changed since the first visit. Take the log's key from its operator, and paste it here. "}
        If a log was started over on purpose, forget the old one.
      </p>
      <button type="button" onClick={trust.forget}>
        {isFixed ? "Forget this log's root" : "Forget this log's key and root"}
      </button>
    </ButtonDialog>
  );
}

function KeyForm({ trust }: { readonly trust: Trust }): ReactElement {
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const field = useId();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    try {
      trust.trustKey(text.trim());
      setSaid("This key is trusted now.");
    } catch {
      setSaid("This is no log's key: expected origin+key id+base64, as root { publicKey } returns it.");
    }
  };
  return (
    <form className="key-form" onSubmit={submit}>
      <label htmlFor={field}>Key from the operator</label>
      <div>
        <input
          id={field}
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
        <button type="submit">Trust it</button>
      </div>
      <p role="status">{said}</p>
    </form>
  );
}
