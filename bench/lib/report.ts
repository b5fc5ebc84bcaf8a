/** Tables, for the terminal and for RESULTS.md. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, platform, release, totalmem } from "node:os";
import path from "node:path";
import { CONTENDERS } from "./contenders.ts";
import type { Samples } from "./stats.ts";

export interface Check {
  what: string;
  value: number;
  limit: number;
  /** How value and limit are written: "0.21 ×". Default: two decimals. */
  unit?: string;
}

export interface Section {
  /** Key on the command line, and the section's heading in RESULTS.md. */
  name: string;
  title: string;
  header: string[];
  rows: string[][];
  checks: Check[];
  /** Below the table. */
  notes?: string[];
}

export function milliseconds(samples: Samples | undefined): string {
  if (!samples) return "–";
  const digits = samples.median < 100 ? 1 : 0;
  return `${samples.median.toFixed(digits)} ms (${samples.min.toFixed(digits)}–${samples.max.toFixed(digits)})`;
}

export function ratio(a: Samples | undefined, b: Samples | undefined): string {
  return a && b ? `${(a.median / b.median).toFixed(2)} ×` : "–";
}

export function passes(check: Check): boolean {
  return check.value <= check.limit;
}

export function printSection(section: Section): void {
  console.log(`\n${section.title}\n`);
  const rows = [section.header, ...section.rows];
  const widths = section.header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    );
  if (section.checks.length > 0) console.log("");
  for (const check of section.checks) console.log(checkLine(check));
  for (const note of section.notes ?? []) console.log(note);
}

function checkLine(check: Check): string {
  const unit = check.unit ?? "";
  return `${passes(check) ? "pass" : "FAIL"}  ${check.what}: ${check.value.toFixed(2)}${unit} (at most ${shown(check.limit)}${unit})`;
}

/** Replaces or adds the section in RESULTS.md; the others stay as they are. */
export function saveSection(section: Section, now: Date): void {
  const file = path.join(path.dirname(import.meta.dirname), "RESULTS.md");
  const existing = existsSync(file)
    ? readFileSync(file, "utf8")
        .split(/^(?=## )/m)
        .slice(1)
    : [];
  const text = markdown(section, now);
  const index = existing.findIndex((part) => part.startsWith(`## ${section.title}\n`));
  if (index >= 0) existing[index] = text;
  else existing.push(text);
  const intro = "# Results\n\nWritten by `npm run bench`; see [README.md](README.md) for how it is measured.\n\n";
  writeFileSync(file, `${intro}${existing.map((part) => part.trimEnd()).join("\n\n")}\n`);
}

function markdown(section: Section, now: Date): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const checks = section.checks.map((check) => {
    const unit = check.unit ?? "";
    return line([
      check.what,
      `${check.value.toFixed(2)}${unit}`,
      `≤ ${shown(check.limit)}${unit}`,
      passes(check) ? "pass" : "**fail**",
    ]);
  });
  return [
    `## ${section.title}`,
    "",
    `${now.toISOString().slice(0, 10)} · ${machine()}`,
    "",
    line(section.header),
    line(section.header.map((_, column) => (column === 0 ? "---" : "---:"))),
    ...section.rows.map(line),
    "",
    ...(checks.length > 0
      ? [line(["What it must reach", "measured", "limit", ""]), line(["---", "---:", "---:", "---"]), ...checks, ""]
      : []),
    ...(section.notes ?? []).flatMap((note) => [note, ""]),
  ].join("\n");
}

/** Machine and versions, in one line. */
export function machine(): string {
  const cores = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const versions = CONTENDERS.map((contender) => contender.title.replace(", bare", "")).join(" · ");
  return `${cores.length} × ${cores[0]?.model.trim()}, ${memory}, ${platform()} ${release()} · Node ${process.versions.node} · ${versions}${commit()}`;
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
    return ` at ${git("rev-parse", "--short", "HEAD")}`;
  } catch {
    return "";
  }
}

/** Without the digits that a division left. */
function shown(limit: number): number {
  return Number(limit.toFixed(2));
}
