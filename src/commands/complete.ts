import { type Candidate, complete } from "../cli/complete.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./index.ts";

const command: Command<{ words: string[] }, { candidates: Candidate[] }> = {
  run: async ({ words }, { cwd, env: processEnv, now }) => ({
    candidates: await complete(words, COMMANDS, async (kind) => {
      const { knownNames } = await import("../ops/known-names.ts");
      return (await knownNames({ cwd, processEnv, now }))[kind];
    }),
  }),
  show({ candidates }, output) {
    for (const { word, describe } of candidates) output.line(describe ? `${word}\t${describe}` : word);
  },
};

export default command;
