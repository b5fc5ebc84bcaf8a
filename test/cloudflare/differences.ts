/** What is different between two accounts, and what docs/cloudflare.md says may be. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../support/cli.ts";

/** `modules.troupe.json`, `tags.cf:service=shop`: where two values differ, as deep as both have something there. */
export function differences(a: unknown, b: unknown, at: readonly string[] = []): string[] {
  if (a === b) return [];
  const [one, other] = [tableOf(a), tableOf(b)];
  if (!one || !other) return [at.join(".")];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return keys.flatMap((key) => differences(one[key], other[key], [...at, key]));
}

function tableOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

export interface Listed {
  /** As the page has it, with `*` for a part of a name. */
  pattern: string;
  covers(difference: string): boolean;
}

/** The first column of the page's table. */
export function listedDifferences(): Listed[] {
  const page = readFileSync(path.join(ROOT, "docs/cloudflare.md"), "utf8");
  const section = page.split(/^## /m).find((each) => each.startsWith("What differs from Wrangler's uploads\n"))!;
  const [table] = section.slice(section.indexOf("| Difference")).split("\n\n");
  const rows = table!.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) => {
    const pattern = /^\| `([^`]+)`/.exec(row)![1]!;
    const literal = pattern.split("*").map((text) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    const regexp = new RegExp(`^${literal.join(".*")}$`);
    return { pattern, covers: (difference) => regexp.test(difference) };
  });
}
