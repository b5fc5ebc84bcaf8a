import { type Candidate, complete } from "../cli/complete.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./index.ts";

const command: Command<{ words: string[] }, { candidates: Candidate[] }> = {
  run: async ({ words }, context) => ({
    candidates: await complete(words, COMMANDS, async (flag) => {
      const { selectWorkspace } = await import("../ops/select.ts");
      // A config with mistakes in it completes no names; to show them is not the moment.
      const loaded = await selectWorkspace({ cwd: context.cwd, processEnv: context.env }).catch(() => undefined);
      const services = loaded?.workspace.services ?? [];
      return flag === "service"
        ? services.map((service) => service.name)
        : [...new Set(services.flatMap((service) => Object.keys(service.environments)))];
    }),
  }),
  show({ candidates }, output) {
    for (const { word, describe } of candidates) output.line(describe ? `${word}\t${describe}` : word);
  },
};

export default command;
