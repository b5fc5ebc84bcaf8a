/** A tag and a message belong to the version that is made: where none was, somebody has to hear that they are nowhere. */
import type { Diagnostic } from "../errors.ts";
import { refId } from "../model.ts";
import type { ChangeResult, Target } from "../targets/target.ts";

/**
 * @param results of a deploy
 * @returns a warning for each environment whose active version has another tag or message than was given, and stays
 */
export async function unrecorded(
  target: Target,
  results: readonly ChangeResult[],
  given: { tag?: string; message?: string },
): Promise<Diagnostic[]> {
  if (given.tag === undefined && given.message === undefined) return [];
  const unchanged = results.filter(({ changed }) => !changed);
  const warnings = unchanged.map(async ({ service, environment, version }): Promise<Diagnostic[]> => {
    const active = await target.version({ service, environment });
    const lost = (["tag", "message"] as const).filter((key) => given[key] !== undefined && given[key] !== active[key]);
    if (lost.length === 0) return [];
    const message = `${refId({ service, environment })} is unchanged: version ${version} keeps what it was deployed with, and the ${lost.join(" and the ")} given now ${lost.length === 1 ? "is" : "are"} not recorded`;
    return [{ severity: "warning", code: "not-recorded", message }];
  });
  return (await Promise.all(warnings)).flat();
}
