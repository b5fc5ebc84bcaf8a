/**
 * Module rules: which imported files become modules of their own, and of which type. They mean what they mean to Wrangler:
 * https://developers.cloudflare.com/workers/wrangler/bundling/#including-non-javascript-modules
 */
import globToRegExp from "glob-to-regexp";
import type { Diagnostic } from "../errors.ts";
import type { BuildSettings, ModuleType } from "../model.ts";
import { escapePattern } from "./alias.ts";

export type Rule = BuildSettings["rules"][number];

/** After all rules of the config, unless one of the same type ends the search there. */
const DEFAULT_RULES: readonly Rule[] = [
  { type: "Text", globs: ["**/*.txt", "**/*.html", "**/*.sql"] },
  { type: "Data", globs: ["**/*.bin"] },
  { type: "CompiledWasm", globs: ["**/*.wasm", "**/*.wasm?module"] },
];

const MODULE_TYPES: Record<Rule["type"], ModuleType> = {
  ESModule: "esm",
  CommonJS: "cjs",
  CompiledWasm: "wasm",
  Text: "text",
  Data: "data",
  PythonModule: "python",
  PythonRequirement: "python-requirement",
};

export interface CompiledRule {
  rule: Rule;
  type: ModuleType;
  /** JavaScript is bundled when imported; only `find_additional_modules` makes modules of it. */
  javascript: boolean;
  /** Matches a specifier as it stands in an import. */
  specifiers: RegExp[];
  /** Matches a path below the module root. Here `*` stops at `/`. */
  paths: RegExp[];
}

export interface RuleSet {
  active: CompiledRule[];
  /** Behind a rule of the same type that doesn't say `fallthrough = true`. What they match is an error to import. */
  shadowed: CompiledRule[];
  warnings: Diagnostic[];
}

/** A rule of one type ends the list for that type unless it falls through. Saying `fallthrough = false` silences the warning. */
export function compileRules(userRules: readonly Rule[]): RuleSet {
  const active: CompiledRule[] = [];
  const shadowed: CompiledRule[] = [];
  const closedBy = new Map<Rule["type"], Rule>();
  const lost = new Map<Rule["type"], string[]>();
  [...userRules, ...DEFAULT_RULES].forEach((rule, index) => {
    const closing = closedBy.get(rule.type);
    if (closing) {
      shadowed.push(compile(rule));
      if (closing.fallthrough !== false) {
        const shown = index < userRules.length ? describe(rule) : `${describe(rule)} (a default rule)`;
        lost.set(rule.type, [...(lost.get(rule.type) ?? []), shown]);
      }
      return;
    }
    active.push(compile(rule));
    if (rule.fallthrough !== true) closedBy.set(rule.type, rule);
  });
  const warnings = [...lost].map(
    ([type, rules]): Diagnostic => ({
      severity: "warning",
      code: "shadowed-rule",
      message: `The module rule ${describe(closedBy.get(type)!)} ends the rules for ${type}, so these count no more: ${rules.join("; ")}`,
      notes: ["Add `fallthrough = true` to it to keep them, or `fallthrough = false` to say that this is meant"],
    }),
  );
  return { active, shadowed, warnings };
}

function compile(rule: Rule): CompiledRule {
  return {
    rule,
    type: MODULE_TYPES[rule.type],
    javascript: rule.type === "ESModule" || rule.type === "CommonJS",
    specifiers: rule.globs.map((glob) => globToRegExp(glob)),
    paths: rule.globs.map((glob) => globToRegExp(glob, { globstar: true })),
  };
}

/** The rule in the notation of TOML: `{ type = "Text", globs = ["**\/*.md"] }`. */
export function describe(rule: Rule): string {
  return `{ type = "${rule.type}", globs = [${rule.globs.map((glob) => JSON.stringify(glob)).join(", ")}] }`;
}

/** The first rule for an import as it is written. */
export function ruleForSpecifier(rules: readonly CompiledRule[], specifier: string): CompiledRule | undefined {
  return rules.find((rule) => rule.specifiers.some((pattern) => pattern.test(specifier)));
}

/** The first rule for a file. @param relativePath with `/`, from the base folder */
export function ruleForPath(rules: readonly CompiledRule[], relativePath: string): CompiledRule | undefined {
  return rules.find((rule) => rule.paths.some((pattern) => pattern.test(relativePath)));
}

/**
 * One pattern for all specifiers that any rule could match, so that esbuild asks us about those alone.
 * @param names further specifiers, exact
 */
export function specifierFilter(rules: readonly CompiledRule[], names: readonly string[]): RegExp {
  const sources = rules.flatMap((rule) => rule.specifiers.map((pattern) => pattern.source));
  sources.push(...names.map((name) => `^${escapePattern(name)}$`));
  return new RegExp(sources.length > 0 ? sources.join("|") : "^$");
}
