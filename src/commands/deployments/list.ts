import { listDeployments } from "../../ops/history.ts";
import type { Command } from "../command.ts";
import { ago, targetSelection } from "../target-input.ts";

type Deployments = Awaited<ReturnType<typeof listDeployments>>;

const command: Command<{ limit?: number }, { deployments: Deployments }> = {
  args: { limit: { type: "number", describe: "At most so many", default: 20 } },
  async run(args, context) {
    return { deployments: await listDeployments(targetSelection(args, context), args.limit) };
  },
  show({ deployments }, output) {
    output.table(
      ["ID", "SERVICE", "ENVIRONMENT", "VERSION", "BY", "WHEN", "WHO", "MESSAGE"],
      deployments.map((each) => [
        String(each.id),
        output.style.bold(each.service),
        each.environment,
        String(each.version),
        each.from ? `${each.action} from ${each.from.environment}` : each.action,
        ago(each.createdAt, new Date()),
        each.author ?? "",
        each.message ?? "",
      ]),
    );
  },
};

export default command;
