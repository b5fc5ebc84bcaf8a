import path from "node:path";
import type { Explanation, WrittenValue } from "../../config/index.ts";
import { type ExplainResult, explainConfig } from "../../ops/config.ts";
import type { Output } from "../../output/output.ts";
import type { Command } from "../command.ts";

type Result = Omit<ExplainResult, "warnings">;

const command: Command<{ key: string }, Result> = {
  positionals: [
    { name: "key", type: "string", demandOption: true, describe: 'A key ("vars.GREETING") or the name of a binding' },
  ],
  examples: [
    ["troupe config explain compatibility_date", "Which file and line it is from"],
    ["troupe config explain CACHE -e staging", "A binding: its fields, and the resource it leads to"],
  ],
  async run(args, context) {
    const { key, ...flags } = args;
    const selection = { ...flags, cwd: context.cwd, processEnv: context.env };
    const { warnings, ...result } = await explainConfig(selection, key);
    for (const warning of warnings) context.report(warning);
    return result;
  },
  show({ explanations, root }, output) {
    for (const explanation of explanations) showExplanation(explanation, root, output);
  },
};

function showExplanation(explanation: Explanation, root: string, output: Output): void {
  const { style } = output;
  const { service, for: environment, key, value, location, note, resource, origin } = explanation;
  const set = value === undefined ? "" : ` = ${JSON.stringify(value)}`;
  output.line(`${style.bold(key)}${set}  ${style.dim(`${service}@${environment}`)}`);
  if (location) {
    output.line(`  ${place(explanation as WrittenValue, root)}${explanation.inherited ? ", inherited" : ""}`);
  }
  for (const other of explanation.overridden) {
    output.line(`  ${style.dim(`instead of ${JSON.stringify(other.value)} at ${place(other, root)}`)}`);
  }
  if (resource) output.line(`  leads to ${resource.type} ${style.cyan(resource.id)} (${origin})`);
  if (note) output.line(`  ${note.replace(`${root}${path.sep}`, "")}`);
}

function place({ location, environment }: WrittenValue, root: string): string {
  return `${path.relative(root, location.file)}:${location.line}:${location.column} (${environment})`;
}

export default command;
