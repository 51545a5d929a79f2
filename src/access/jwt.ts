import { errors, jwtVerify, type JWTPayload } from "jose";
import { AuditError } from "../audit/errors.js";
import { principalOfClaims, type BoundClaims } from "./claims.js";
import { refused, type CredentialOutcome } from "./credential.js";
import { JWT_ALGORITHMS, type JwtAlgorithm } from "./jwt-algorithm.js";
import { openIssuerKeys, type IssuerKeys } from "./jwks.js";

export interface JwtSettings extends BoundClaims {
  /** A file path or URL of the issuer's JSON Web Key Set. */
  readonly jwks: string;
  /** The one `iss` that is accepted, to the letter. */
  readonly issuer: string;
  /** What `aud` must be or contain: this gateway, as the issuer names it. */
  readonly audience: string;
  /** Default: all of JWT_ALGORITHMS. */
  readonly algorithms?: readonly JwtAlgorithm[] | undefined;
}

/** How far the issuer's clock and ours may be apart. */
const LEEWAY_MS = 30_000;

/** Checks JSON Web Tokens (RFC 7519) of one issuer. */
export class JwtVerifier {
  private readonly keys: IssuerKeys;

  /** Throws an Error when the place of the keys is not a safe one. */
  constructor(private readonly settings: JwtSettings) {
    this.keys = openIssuerKeys(settings.jwks);
  }

  /** Rejects when the issuer's keys cannot be used as they are. */
  check(): Promise<void> {
    return this.keys.check();
  }

  /** Who holds this token, at a time in milliseconds since the epoch. Rejects with AuditError UNAVAILABLE only. */
  async identify(token: string, nowMs: number): Promise<CredentialOutcome> {
    try {
      const claims = await this.verifiedClaims(token, nowMs);
      const principal = principalOfClaims(claims, this.settings);
      return principal === undefined
        ? refused("wrong")
        : { kind: "principal", principal: { ...principal, expiresAtMs: expiryMs(claims) } };
    } catch (error) {
      if (error instanceof AuditError) throw error;
      return refused(error instanceof errors.JWTExpired ? "expired" : "wrong");
    }
  }

  private async verifiedClaims(token: string, nowMs: number): Promise<JWTPayload> {
    const { issuer, audience, algorithms = JWT_ALGORITHMS } = this.settings;
    const { payload } = await jwtVerify(token, this.keys.find, {
      issuer,
      audience,
      algorithms: [...algorithms],
      requiredClaims: ["exp", "sub"],
      clockTolerance: LEEWAY_MS / 1_000,
      currentDate: new Date(nowMs),
    });
    return payload;
  }
}

/** The moment from which the token would no longer be let in. */
function expiryMs({ exp = 0 }: JWTPayload): number {
  return exp * 1_000 + LEEWAY_MS;
}
