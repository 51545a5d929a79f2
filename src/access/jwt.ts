import { errors, jwtVerify, type JWTPayload } from "jose";
import { AuditError } from "../audit/errors.js";
import { holderOf, principalOfClaims, type BoundClaims } from "./claims.js";
import { refused, type CredentialOutcome } from "./credential.js";
import { JWT_ALGORITHMS, type JwtAlgorithm } from "./jwt-algorithm.js";
import { openIssuerKeys, type IssuerKeys } from "./jwks.js";

export interface JwtSettings extends BoundClaims {
  /** A file path or URL of the issuer's JSON Web Key Set. */
  readonly jwks: string;
  /** The only accepted `iss`, compared exactly. */
  readonly issuer: string;
  /** What `aud` must be or contain: the issuer's name for this gateway. */
  readonly audience: string;
  /** Default: all of JWT_ALGORITHMS. */
  readonly algorithms?: readonly JwtAlgorithm[] | undefined;
}

/** The tolerated difference between the issuer's clock and ours. */
const LEEWAY_MS = 30_000;

/** Verifies JSON Web Tokens (RFC 7519) of one issuer. */
export class JwtVerifier {
  private readonly keys: IssuerKeys;

  /** Throws an Error when the location of the keys is not safe. `warn` is told when they could not be fetched. */
  constructor(
    private readonly settings: JwtSettings,
    warn: (message: string) => void = ignore,
  ) {
    this.keys = openIssuerKeys(settings.jwks, warn);
  }

  /** Rejects when the issuer's keys cannot be used. */
  check(): Promise<void> {
    return this.keys.check();
  }

  /**
   * Identifies the holder of a token, at a time in milliseconds since the epoch. Rejects with AuditError UNAVAILABLE
   * only.
   */
  async identify(token: string, nowMs: number): Promise<CredentialOutcome> {
    try {
      const claims = await this.verifiedClaims(token, nowMs);
      const outcome = principalOfClaims(claims, this.settings);
      return outcome.kind === "refused"
        ? outcome
        : { kind: "principal", principal: { ...outcome.principal, expiresAtMs: expiryMs(claims) } };
    } catch (error) {
      if (error instanceof AuditError) throw error;
      // jose looks at the times of a token last, when its signature is verified.
      return error instanceof errors.JWTExpired
        ? refused("expired", undefined, holderOf(error.payload))
        : refused("wrong");
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

/** The time from which the token is refused. */
function expiryMs({ exp = 0 }: JWTPayload): number {
  return exp * 1_000 + LEEWAY_MS;
}

function ignore(): void {
  // a caller that does not want to be told
}
