/** The commands for data: part of the list in index.ts. */
import type { CommandEntry } from "./command.ts";

const ENTRIES: readonly Omit<CommandEntry, "group">[] = [
  {
    command: "kv list <binding>",
    describe: "List the keys of a KV namespace",
    load: () => import("./kv/list.ts"),
  },
  {
    command: "kv get <binding> <key>",
    describe: "Print a value of a KV namespace",
    load: () => import("./kv/get.ts"),
  },
  {
    command: "kv put <binding> <key> [value]",
    describe: "Store a value in a KV namespace",
    load: () => import("./kv/put.ts"),
  },
  {
    command: "kv delete <binding> <keys..>",
    describe: "Delete keys of a KV namespace",
    load: () => import("./kv/delete.ts"),
  },
  {
    command: "kv export <binding>",
    describe: "Print all of a KV namespace as JSON",
    load: () => import("./kv/export.ts"),
  },
  {
    command: "kv import <binding> [file]",
    describe: "Store everything of a JSON file",
    load: () => import("./kv/import.ts"),
  },
  {
    command: "r2 list <binding>",
    describe: "List the objects of a bucket",
    load: () => import("./r2/list.ts"),
  },
  {
    command: "r2 get <binding> <key>",
    describe: "Print an object of a bucket",
    load: () => import("./r2/get.ts"),
  },
  {
    command: "r2 put <binding> <key> [value]",
    describe: "Store an object in a bucket",
    load: () => import("./r2/put.ts"),
  },
  {
    command: "r2 delete <binding> <keys..>",
    describe: "Delete objects of a bucket",
    load: () => import("./r2/delete.ts"),
  },
  {
    command: "r2 export <binding> <folder>",
    describe: "Write all objects of a bucket into a folder",
    load: () => import("./r2/export.ts"),
  },
  {
    command: "r2 import <binding> <folder>",
    describe: "Store all files of a folder in a bucket",
    load: () => import("./r2/import.ts"),
  },
  {
    command: "d1 execute <binding>",
    describe: "Execute SQL in a D1 database",
    load: () => import("./d1/execute.ts"),
  },
  {
    command: "d1 export <binding>",
    describe: "Print a D1 database as SQL",
    load: () => import("./d1/export.ts"),
  },
  {
    command: "d1 migrations create <binding> <message>",
    describe: "Make the next migration file",
    load: () => import("./d1/migrations/create.ts"),
  },
  {
    command: "d1 migrations list <binding>",
    describe: "List applied and pending migrations",
    load: () => import("./d1/migrations/list.ts"),
  },
  {
    command: "d1 migrations apply <binding>",
    describe: "Apply what is pending",
    load: () => import("./d1/migrations/apply.ts"),
  },
  {
    command: "queue send <binding> <messages..>",
    describe: "Send messages to a queue",
    load: () => import("./queue/send.ts"),
  },
  {
    command: "queue peek <binding>",
    describe: "See what waits in a queue",
    load: () => import("./queue/peek.ts"),
  },
];

export const DATA_COMMANDS: readonly CommandEntry[] = ENTRIES.map((entry) => ({ ...entry, group: "Data" }));
