/** Checks one value against its schema, as strictly as its dialect is. */
import type * as z from "zod";
import type { Dialect } from "../model.ts";
import type { Faults } from "./faults.ts";
import { faultsOf, flatten } from "./issues.ts";
import { plain, type Sourced, without } from "./sourced.ts";

/**
 * @returns the value as checked, or undefined when it is wrong, which is reported then.
 * troupe.toml: an unknown key is an error. Wrangler: it is left out, with a warning.
 */
export function check(node: Sourced, schema: z.ZodType, dialect: Dialect, faults: Faults): unknown {
  let checked = node;
  for (;;) {
    const result = schema.safeParse(plain(checked));
    if (result.success) return result.data;
    const issues = flatten(result.error.issues, checked);
    const lenient = dialect === "wrangler" && issues.every((issue) => issue.code === "unrecognized_keys");
    for (const issue of issues) {
      for (const fault of faultsOf(issue, checked, schema)) {
        const mild = dialect === "wrangler" && issue.code === "unrecognized_keys";
        faults.add({ severity: mild ? "warning" : "error", ...fault });
      }
    }
    if (!lenient) return undefined;
    for (const issue of issues) {
      if (issue.code !== "unrecognized_keys") continue;
      for (const key of issue.keys) checked = without(checked, [...(issue.path as string[]), key]);
    }
  }
}
