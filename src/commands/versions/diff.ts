import type { DiffReport } from "../../ops/diff.ts";
import { diffVersions } from "../../ops/history.ts";
import type { Command } from "../command.ts";
import { showDifferences } from "../differences.ts";
import { targetSelection } from "../target-input.ts";

const command: Command<{ a: number; b?: number }, DiffReport> = {
  positionals: [
    { name: "a", type: "number", describe: "A version" },
    { name: "b", type: "number", describe: "Another one (default: the active one)" },
  ],
  run: (args, context) => diffVersions(targetSelection(args, context), args.a, args.b),
  show: showDifferences,
};

export default command;
