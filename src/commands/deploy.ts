import { deploy } from "../ops/deploy.ts";
import type { Command } from "./command.ts";
import { ALLOW_DATA_LOSS, type Change, DRY_RUN, MESSAGE, showChanges, targetSelection } from "./target-input.ts";

interface Args {
  tag?: string;
  message?: string;
  dryRun?: boolean;
  changed?: boolean;
  create?: boolean;
  from?: string;
  secretsFile?: string;
  minify?: boolean;
  allowDataLoss?: boolean;
  percentage?: number;
}

/** Of the JSON that scripts read (docs/ci.md): another number for anything but more fields. */
const FORMAT = 1;

const command: Command<Args, { format: typeof FORMAT; deployments: Change[] }> = {
  args: {
    tag: { type: "string", describe: "A name for the version" },
    message: MESSAGE,
    "dry-run": DRY_RUN,
    changed: { type: "boolean", describe: "Leave out services that git says are as they were deployed" },
    create: { type: "boolean", describe: "Make the environment if there is none of that name" },
    from: { type: "string", describe: "With --create: the environment it starts from (default: production)" },
    "secrets-file": { type: "string", describe: "JSON or .env file of secrets to set" },
    minify: { type: "boolean", describe: "Minify the code" },
    "allow-data-loss": ALLOW_DATA_LOSS,
    percentage: {
      type: "number",
      describe: "On Cloudflare: share of the traffic for the new versions (see `troupe rollout`)",
    },
  },
  examples: [
    ["troupe deploy", "Deploy the service here and what it binds, or all of the workspace, to production"],
    ["troupe deploy -e staging --message 'new prices'", "To another environment, with a reason"],
    ["troupe deploy -e pr-7 --create --json", "A preview of its own, from a CI script"],
  ],
  async run(args, context) {
    const { tag, message, dryRun, changed, create, from, secretsFile, minify, allowDataLoss, percentage } = args;
    const { results, warnings } = await deploy({
      ...targetSelection(args, context),
      ...(tag !== undefined && { tag }),
      ...(message !== undefined && { message }),
      ...(from !== undefined && { from }),
      ...(secretsFile !== undefined && { secretsFile }),
      ...(minify !== undefined && { minify }),
      ...(percentage !== undefined && { percentage }),
      dryRun: dryRun === true,
      changed: changed === true,
      create: create === true,
      allowDataLoss: allowDataLoss === true,
      signal: context.signal,
      ...(!context.json && { onProgress: (message: string) => context.stderr.write(`${message}\n`) }),
      onCommandOutput: (service, line) => {
        if (!context.json) context.stderr.write(`[${service}] ${line}\n`);
      },
    });
    for (const warning of warnings) context.report(warning);
    return { format: FORMAT, deployments: results };
  },
  show: ({ deployments }, output, { dryRun }) => showChanges(deployments, output, dryRun),
};

export default command;
