import { configSchema } from "../../ops/config.ts";
import type { Command } from "../command.ts";

const command: Command<object, Record<string, unknown>> = {
  examples: [
    ["troupe config schema > troupe.schema.json", "For `#:schema ./troupe.schema.json` on a file's first line"],
  ],
  async run() {
    return configSchema();
  },
  show(schema, output) {
    output.line(JSON.stringify(schema, null, 2));
  },
};

export default command;
