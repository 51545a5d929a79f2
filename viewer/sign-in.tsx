import { useId, useState, type ReactElement, type SubmitEvent } from "react";

interface SignInProps {
  /** Whether a credential was sent, and not accepted. */
  readonly isRefused: boolean;
  readonly message: string;
  readonly onCredential: (text: string) => void;
}

/** Asks for the credential that the gateway wants. */
export function SignIn({ isRefused, message, onCredential }: SignInProps): ReactElement {
  const [text, setText] = useState("");
  const [field, note] = [useId(), useId()];
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (text.trim() !== "") onCredential(text);
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <h1>Sign in to AuditQL</h1>
        <p id={note} role={isRefused ? "alert" : undefined} className={isRefused ? "wrong" : "quiet"}>
          {isRefused
            ? `The gateway does not accept this credential: ${message}`
            : "This gateway asks for a credential."}
        </p>
        <label htmlFor={field}>API key or token</label>
        <input
          id={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          aria-describedby={note}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
        <button type="submit" className="strong">
          Sign in
        </button>
        <p className="quiet">It is sent to this gateway alone, and forgotten when you close this browser tab.</p>
      </form>
    </main>
  );
}
