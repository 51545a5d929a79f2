/**
 * Whether an answer may be gzipped (RFC 9110 section 12.5.3): unless Accept-Encoding is there and does not list it, or
 * lists it with a weight of 0. A request without the header takes every encoding.
 */
export function allowsGzip(accepted: string | readonly string[] | undefined): boolean {
  if (accepted === undefined) return true;
  const weights = new Map([accepted].flat().join(",").split(",").map(weightOf));
  return (weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0) > 0;
}

function weightOf(item: string): readonly [coding: string, weight: number] {
  const [coding = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  return [coding, q === undefined ? 1 : Number(q.slice(2)) || 0];
}
