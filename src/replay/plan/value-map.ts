import * as z from "zod";

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const value = z
  .union([scalar, z.array(scalar)])
  .transform((given) => (Array.isArray(given) ? given.join(",") : String(given)));

/** What a map of settings came to: command-line texts by name, or what is wrong with it. */
export type ValueMap =
  | { readonly texts: Readonly<Record<string, string>> }
  /** `key` is none of the known ones. */
  | { readonly wrong: "unknown"; readonly key: string }
  /** `key` is neither one value nor a list of them. */
  | { readonly wrong: "value"; readonly key: string }
  | { readonly wrong: "map" };

/** Checks a map from `known` names to values; a list stands for a repeated flag. */
export function valueMapOf(given: unknown, known: readonly string[]): ValueMap {
  const shape = Object.fromEntries(known.map((name) => [name, value.optional()]));
  const parsed = z.strictObject(shape).safeParse(given);
  if (parsed.success) return { texts: parsed.data as Record<string, string> };
  const issue = parsed.error.issues[0]!;
  if (issue.code === "unrecognized_keys") return { wrong: "unknown", key: issue.keys[0]! };
  const key = issue.path[0];
  return key === undefined ? { wrong: "map" } : { wrong: "value", key: String(key) };
}
