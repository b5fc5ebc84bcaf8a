/** Every command, in the order of `--help`. A module is imported when its command runs, and not before. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    command: "init [dir]",
    describe: "Start a project from a template",
    group: "Develop",
    load: () => import("./init.ts"),
  },
  {
    command: "dev [script]",
    describe: "Run services and everything they bind, reloading as you type",
    group: "Develop",
    load: () => import("./dev.ts"),
  },
  {
    command: "build",
    describe: "Bundle services without running them",
    group: "Develop",
    load: () => import("./build.ts"),
  },
  {
    command: "bindings",
    describe: "What every service can reach, and who depends on it",
    group: "Bindings",
    load: () => import("./bindings.ts"),
  },
  {
    command: "bindings graph",
    describe: "Draw services and their bindings",
    group: "Bindings",
    load: () => import("./bindings/graph.ts"),
  },
  {
    command: "bindings add <kind> [name] [value]",
    describe: "Add a binding to a config file",
    group: "Bindings",
    load: () => import("./bindings/add.ts"),
  },
  {
    command: "bindings remove <name>",
    describe: "Remove a binding from a config file",
    group: "Bindings",
    load: () => import("./bindings/remove.ts"),
  },
  {
    command: "bindings check",
    describe: "Check that everything that is bound is there",
    group: "Bindings",
    load: () => import("./bindings/check.ts"),
  },
  {
    command: "types [path]",
    describe: "Write the types of env and of the runtime",
    group: "Bindings",
    load: () => import("./types.ts"),
  },
  {
    command: "config",
    describe: "Print the resolved config of an environment",
    group: "Inspect",
    load: () => import("./config.ts"),
  },
  {
    command: "config explain <key>",
    describe: "Where a value of the config comes from",
    group: "Inspect",
    load: () => import("./config/explain.ts"),
  },
  {
    command: "config schema",
    describe: "Print the JSON Schema of troupe.toml, for editors",
    group: "Inspect",
    load: () => import("./config/schema.ts"),
  },
  {
    command: "completion <shell>",
    describe: "Print a completion script for bash, zsh or fish",
    group: "Other",
    load: () => import("./completion.ts"),
  },
  {
    command: "complete [words..]",
    describe: "Print what can follow these words; called by the completion scripts",
    group: "Other",
    hidden: true,
    load: () => import("./complete.ts"),
  },
];
