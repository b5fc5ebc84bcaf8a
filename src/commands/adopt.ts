import path from "node:path";
import { type AdoptReport, adopt } from "../ops/adopt.ts";
import type { Command } from "./command.ts";
import { DRY_RUN, showChanges, targetSelection } from "./target-input.ts";

type Adopted = Omit<AdoptReport, "warnings">;

const command: Command<{ dryRun?: boolean; deploy?: boolean }, Adopted> = {
  args: {
    "dry-run": DRY_RUN,
    deploy: { type: "boolean", describe: "Deploy every environment, too" },
  },
  examples: [
    ["troupe adopt --dry-run", "What is found here and below, and what would be made of it"],
    ["troupe adopt", "Services and environments of the Wrangler projects here"],
  ],
  async run(args, context) {
    const { warnings, ...report } = await adopt({
      ...targetSelection(args, context),
      dryRun: args.dryRun === true,
      deploy: args.deploy === true,
      signal: context.signal,
      onCommandOutput: (service, line) => {
        if (!context.json) context.stderr.write(`[${service}] ${line}\n`);
      },
    });
    for (const warning of warnings) context.report(warning);
    return report;
  },
  show({ root, services, written, deployments, dryRun }, output) {
    const { style } = output;
    output.table(
      ["SERVICE", "ENVIRONMENT", "WORKER", "CONFIG", ""],
      services.flatMap(({ service, environments }) =>
        environments.map(({ name, scriptName, config, made }) => [
          style.bold(service),
          name,
          scriptName,
          path.relative(root, config),
          made ? "new" : style.dim("there already"),
        ]),
      ),
    );
    if (written) {
      output.line(`${dryRun ? "Would write" : "Wrote"} ${path.relative(root, written.file)}, the root of a workspace:`);
      for (const line of written.text.trimEnd().split("\n")) output.line(style.dim(`  ${line}`));
    }
    if (dryRun) {
      output.line(style.dim("Nothing was changed: this was a dry run."));
      return;
    }
    if (deployments.length > 0) showChanges(deployments, output);
    const other = services
      .flatMap(({ environments }) => environments)
      .find(({ name }) => !["production", "default"].includes(name));
    const next: [string, string][] =
      deployments.length > 0
        ? [["troupe serve", "run all of it"]]
        : [
            ["troupe dev", "run it from source"],
            [`troupe deploy${other ? ` --env ${other.name}` : ""}`, "make a first version"],
          ];
    for (const [words, what] of next) output.line(`${words.padEnd(32)} ${style.dim(what)}`);
  },
};

export default command;
