/** Types of imported files that are no code: `import text from "./page.md"`. */
import { compileRules } from "../../bundle/module-rules.ts";
import type { Environment } from "../../model.ts";

/** Module types that have a value of their own; JavaScript is typed by its source. */
const VALUES: Partial<Record<Environment["build"]["rules"][number]["type"], string>> = {
  CompiledWasm: "WebAssembly.Module",
  Data: "ArrayBuffer",
  Text: "string",
};

/** @returns pattern of `declare module` → type of the default export, by the rules of all environments */
export function moduleTypes(environments: readonly Environment[]): Map<string, string> {
  const types = new Map<string, Set<string>>();
  for (const { build } of environments) {
    const seen = new Set<string>();
    for (const { rule } of compileRules(build.rules).active) {
      const type = VALUES[rule.type];
      for (const pattern of rule.globs.map(modulePattern)) {
        // Within one environment the first rule that matches counts.
        if (type === undefined || seen.has(pattern)) continue;
        seen.add(pattern);
        types.set(pattern, (types.get(pattern) ?? new Set()).add(type));
      }
    }
  }
  return new Map([...types].map(([pattern, values]) => [pattern, [...values].join(" | ")]));
}

/**
 * A glob as TypeScript has it: at most one `*`, which stands for anything. So only what follows the last star of a glob
 * can be said. https://www.typescriptlang.org/docs/handbook/modules/reference.html#ambient-modules
 */
function modulePattern(glob: string): string {
  const star = glob.lastIndexOf("*");
  return star < 0 ? glob : glob.slice(star);
}
