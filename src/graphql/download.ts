import {
  Args,
  ArgsType,
  Ctx,
  Directive,
  Field,
  ID,
  Mutation,
  ObjectType,
  registerEnumType,
  Resolver,
} from "type-graphql";
import type { DownloadFormat, DownloadLink } from "../audit/download-link.js";
import { AuditError } from "../audit/errors.js";
import type { AuditContext } from "./context.js";
import { DateTimeScalar } from "./scalars.js";

export const DownloadFormatType = {
  CSV: "CSV",
  JSON: "JSON",
  NDJSON: "NDJSON",
  EVIDENCE: "EVIDENCE",
} as const satisfies Readonly<Record<DownloadFormat, DownloadFormat>>;

registerEnumType(DownloadFormatType, {
  name: "AuditDownloadFormat",
  description: "The format of a file of entries. Files are sent compressed to clients that accept gzip.",
  valuesConfig: {
    CSV: {
      description: "A table for spreadsheets, RFC 4180. Cells that a spreadsheet would execute are turned into text.",
    },
    JSON: {
      description:
        "Evidence: the signed root, every entry byte for byte, and its proof, in one document. `auditql verify --key` checks it.",
    },
    NDJSON: { description: "One entry byte for byte per line, for programs." },
    EVIDENCE: {
      description:
        "The same evidence in lines: the signed root on the first, then an entry with its proof on each, and the number of entries on the last.",
    },
  },
});

@ObjectType("AuditDownload", {
  simpleResolvers: true,
  description: "A link to a file with all entries of a search.",
})
export abstract class DownloadType implements DownloadLink {
  @Field(() => String, {
    description:
      "Opens the file without a credential: protect it like the entries themselves. Relative to the gateway, unless the gateway knows its own address.",
  })
  abstract readonly url: string;

  @Field(() => DateTimeScalar, { description: "When the link expires. A transfer in progress continues." })
  abstract readonly expiresAt: string;

  @Field(() => DownloadFormatType, { description: "The format of the file." })
  abstract readonly format: DownloadFormat;
}

@ArgsType()
abstract class DownloadResultsArgs {
  @Field(() => ID, { description: "The search's `AuditEntryConnection.resultId`." })
  abstract readonly id: string;

  @Field(() => DownloadFormatType, { defaultValue: "CSV", description: "The format of the file." })
  abstract readonly format: DownloadFormat;

  @Field(() => Boolean, {
    defaultValue: false,
    description: "Include every match, even beyond the search's `maxResults`.",
  })
  abstract readonly everyMatch: boolean;
}

@Resolver()
export class DownloadResolver {
  @Directive('@tag(name: "audit-export")')
  @Mutation(() => DownloadType, {
    complexity: 1,
    description:
      "Makes a link to a file with all entries of a search made before, as they were when it was made. It is valid for 15 minutes.",
  })
  downloadResults(
    @Ctx() { downloadLink }: AuditContext,
    @Args(() => DownloadResultsArgs) { id, format, everyMatch }: DownloadResultsArgs,
  ): Promise<DownloadLink> {
    if (downloadLink === undefined)
      throw new AuditError("UNAVAILABLE", "Downloads are not available over a stream: send this as an HTTP request.");
    return downloadLink({ id, format, everyMatch });
  }
}
