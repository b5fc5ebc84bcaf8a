/** Commands that `--help` leaves out: those of Wrangler's that are called otherwise here (docs/data.md). */
import type { CommandEntry } from "./command.ts";

export const SPELLINGS: readonly CommandEntry[] = [
  {
    command: "kv key list",
    describe: "List the keys of a KV namespace",
    group: "Data",
    hidden: true,
    load: () => import("./kv/key/list.ts"),
  },
  {
    command: "kv key get <key>",
    describe: "Print a value of a KV namespace",
    group: "Data",
    hidden: true,
    load: () => import("./kv/key/get.ts"),
  },
  {
    command: "kv key put <key> [value]",
    describe: "Store a value in a KV namespace",
    group: "Data",
    hidden: true,
    load: () => import("./kv/key/put.ts"),
  },
  {
    command: "kv key delete <keys..>",
    describe: "Delete keys of a KV namespace",
    group: "Data",
    hidden: true,
    load: () => import("./kv/key/delete.ts"),
  },
  {
    command: "kv bulk get <file>",
    describe: "Print the values of keys in a file",
    group: "Data",
    hidden: true,
    load: () => import("./kv/bulk/get.ts"),
  },
  {
    command: "kv bulk put <file>",
    describe: "Store everything of a JSON file",
    group: "Data",
    hidden: true,
    load: () => import("./kv/bulk/put.ts"),
  },
  {
    command: "kv bulk delete <file>",
    describe: "Delete the keys in a file",
    group: "Data",
    hidden: true,
    load: () => import("./kv/bulk/delete.ts"),
  },
  {
    command: "r2 object get <object>",
    describe: "Write an object of a bucket to a file",
    group: "Data",
    hidden: true,
    load: () => import("./r2/object/get.ts"),
  },
  {
    command: "r2 object put <object>",
    describe: "Store an object in a bucket",
    group: "Data",
    hidden: true,
    load: () => import("./r2/object/put.ts"),
  },
  {
    command: "r2 object delete <object>",
    describe: "Delete an object of a bucket",
    group: "Data",
    hidden: true,
    load: () => import("./r2/object/delete.ts"),
  },
];
