/** How the differences of two versions read. */
import type { DiffReport } from "../ops/diff.ts";
import type { Output } from "../output/output.ts";

/** Two versions side by side: what is only in the first, what only in the second. */
export function showDifferences({ service, from, to, differences }: DiffReport, output: Output): void {
  const { style } = output;
  const name = ({ environment, version }: DiffReport["from"]) => `${environment}${style.dim(` v${version}`)}`;
  output.line(`${style.bold(service)} ${name(from)} → ${name(to)}`);
  if (differences.length === 0) {
    output.line(style.dim("  no difference"));
    return;
  }
  for (const { kind, name: what, from: before, to: after } of differences) {
    output.line(`  ${style.cyan(kind)} ${what}`);
    if (before !== undefined) output.line(style.red(`    - ${before}`));
    if (after !== undefined) output.line(style.green(`    + ${after}`));
  }
}
