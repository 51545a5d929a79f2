import { Args, ArgsType, Ctx, Field, ID, Mutation, ObjectType, registerEnumType, Resolver } from "type-graphql";
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
  name: "DownloadFormat",
  description: "How a file of entries is written. Each is sent compressed to clients that take gzip.",
  valuesConfig: {
    CSV: { description: "A table for spreadsheets, RFC 4180. What a spreadsheet would execute is made text." },
    JSON: {
      description:
        "Evidence: the signed root, every entry to the letter, and its proof, in one document. `auditql verify --key` checks it.",
    },
    NDJSON: { description: "One entry to the letter on each line, for programs." },
    EVIDENCE: {
      description:
        "The same evidence in lines: the signed root on the first, then an entry with its proof on each, and their number on the last.",
    },
  },
});

@ObjectType("Download", {
  simpleResolvers: true,
  description: "A link to a file with all entries of a search.",
})
export abstract class DownloadType implements DownloadLink {
  @Field(() => String, {
    description:
      "Opens the file, without a credential, for whoever has it: keep it as you keep the entries. Relative to the gateway, unless that knows its own address.",
  })
  abstract readonly url: string;

  @Field(() => DateTimeScalar, { description: "When the link opens nothing any more; what is being sent goes on." })
  abstract readonly expiresAt: string;

  @Field(() => DownloadFormatType, { description: "What the file is written as." })
  abstract readonly format: DownloadFormat;
}

@ArgsType()
abstract class DownloadResultsArgs {
  @Field(() => ID, { description: "`EntryConnection.id` of the search." })
  abstract readonly id: string;

  @Field(() => DownloadFormatType, { defaultValue: "CSV", description: "What to write the file as." })
  abstract readonly format: DownloadFormat;

  @Field(() => Boolean, {
    defaultValue: false,
    description: "Every match, also those that the `maxResults` of the search leaves out.",
  })
  abstract readonly everyMatch: boolean;
}

@Resolver()
export class DownloadResolver {
  @Mutation(() => DownloadType, {
    complexity: 1,
    description:
      "Makes a link to a file with all entries of a search made before, as they were when it was made. It is good for a quarter of an hour.",
  })
  downloadResults(
    @Ctx() { downloadLink }: AuditContext,
    @Args(() => DownloadResultsArgs) { id, format, everyMatch }: DownloadResultsArgs,
  ): Promise<DownloadLink> {
    if (downloadLink === undefined) throw new AuditError("UNAVAILABLE", "ask for downloads by an HTTP request");
    return downloadLink({ id, format, everyMatch });
  }
}
