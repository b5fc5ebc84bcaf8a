import type { Diagnostic } from "../../errors.ts";
import { type EnvironmentRef, refId } from "../../model.ts";

/**
 * A warning for each binding of a renamed environment that leads elsewhere than it did: a service is bound in the environment
 * of the same name, if it has one.
 * @param before what the bindings led to, by their names; `after`: what they lead to now
 */
export function ledElsewhere(
  old: EnvironmentRef,
  renamed: EnvironmentRef,
  before: ReadonlyMap<string, EnvironmentRef>,
  after: ReadonlyMap<string, EnvironmentRef>,
): Diagnostic[] {
  return [...before].flatMap(([binding, was]): Diagnostic[] => {
    const is = after.get(binding);
    if (!is || refId(is) === refId(was) || refId(was) === refId(old)) return [];
    const together = was.environment === old.environment;
    const command = `troupe env rename ${was.environment} ${renamed.environment} --service ${was.service}`;
    return [
      {
        severity: "warning",
        code: "leads-elsewhere",
        message: `The binding ${binding} of ${refId(renamed)} leads to ${refId(is)} now, and no longer to ${refId(was)}`,
        notes: [
          together
            ? `A service is bound in the environment of the same name: rename that of ${was.service}, too, with \`${command}\``
            : "A service is bound in the environment of the same name, and in production where there is none",
        ],
      },
    ];
  });
}
