/**
 * Whether an answer may be gzipped: Accept-Encoding lists it, not with a weight of 0 (RFC 9110 section 12.5.3). A request
 * without the header would take every encoding by the RFC; but it is that of a program that saves what comes as it comes.
 */
export function allowsGzip(accepted: string | readonly string[] | undefined): boolean {
  const weights = new Map([accepted ?? []].flat().join(",").split(",").map(weightOf));
  return (weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0) > 0;
}

function weightOf(item: string): readonly [coding: string, weight: number] {
  const [coding = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  return [coding, q === undefined ? 1 : Number(q.slice(2)) || 0];
}
