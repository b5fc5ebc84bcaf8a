import type { Options } from "yargs";

/** Flags that every command has (`CommonArgs` in commands/command.ts). */
export const COMMON_FLAGS = {
  cwd: { type: "string", describe: "Work in this folder" },
  config: {
    alias: "c",
    type: "string",
    array: true,
    requiresArg: true,
    describe: "Config file, instead of the nearest one; repeatable",
  },
  env: { alias: "e", type: "string", describe: "Environment" },
  service: {
    alias: "s",
    type: "string",
    array: true,
    requiresArg: true,
    describe: "Service of the workspace; repeatable",
  },
  target: { alias: "t", type: "string", describe: "Where environments live (default: local)" },
  "state-dir": { type: "string", describe: "Folder for state (default: .troupe at the workspace root)" },
  json: { type: "boolean", default: false, describe: "Print the result as JSON" },
  yes: { alias: "y", type: "boolean", default: false, describe: "Answer every question with yes" },
  verbose: { type: "boolean", default: false, describe: "Say more about what happens" },
  help: { alias: "h", type: "boolean", default: false, describe: "Show this help" },
} satisfies Record<string, Options>;
