import type { Options } from "yargs";
import { COMMON_FLAGS } from "../../cli/flags.ts";
import { type BindingField, bindingInput, KIND_IDS, readEntry } from "../../ops/binding-entry.ts";
import { addBinding, type BindingEdit } from "../../ops/bindings-edit.ts";
import type { Command } from "../command.ts";
import { showEdit } from "./show-edit.ts";

interface AddArgs {
  kind: string;
  name?: string;
  value?: string;
  jsonValue?: boolean;
  [flag: string]: unknown;
}

/** Without a kind: what there is to choose from. */
const command: Command<AddArgs, BindingEdit> = {
  positionals: [
    {
      name: "kind",
      type: "string",
      choices: KIND_IDS,
      describe: `What to bind; its flags are shown by --help behind it. ${KIND_IDS.join(", ")}`,
    },
    { name: "name", type: "string", describe: "The binding's name in env" },
    { name: "value", type: "string", describe: "What it points to: a service, a queue, an id, a value…" },
  ],
  examples: [
    ["troupe bindings add kv CACHE", "A KV namespace of this service's own"],
    ["troupe bindings add service AUTH auth --entrypoint Verifier", "RPC to a named entrypoint of another service"],
    ["troupe bindings add var GREETING hello --env staging", "A variable of one environment"],
    ["troupe bindings add r2 --help", "The flags of one kind"],
  ],
  refine: ([kind]) => (kind === undefined ? command : commandFor(kind)),
  async run(args, context) {
    const { kind, name, value, jsonValue } = args;
    const flags = Object.fromEntries(flagsOf(kind).map(({ flag }) => [flag, args[flag]]));
    const typed = readEntry(kind, { name, value, jsonValue, flags });
    return addBinding({ ...args, ...typed, kind, cwd: context.cwd, processEnv: context.env });
  },
  show: showEdit,
};

export default command;

/** @throws TroupeError USAGE for a kind that there is not */
function commandFor(id: string): Command<AddArgs, BindingEdit> {
  const { title, description, nameRequired, positional, anyValue } = bindingInput(id);
  const args: Record<string, Options> = Object.fromEntries(flagsOf(id).map((field) => [field.flag, options(field)]));
  if (anyValue) args["json-value"] = { type: "boolean", describe: "Read <value> as JSON" };
  const what = positional?.describe ? `: ${positional.describe}` : "";
  return {
    ...command,
    args,
    positionals: [
      { name: "kind", type: "string", describe: `${title}: ${description}` },
      {
        name: "name",
        type: "string",
        describe: `The binding's name in env${nameRequired ? "" : ", if it is to have one"}`,
      },
      {
        name: "value",
        type: "string",
        describe: positional ? `${positional.flag}${what}` : "Not taken by this kind",
      },
    ],
    examples: [],
  };
}

/** `--service` says whose config is edited: the field of that name can only be the positional. */
function flagsOf(kind: string): BindingField[] {
  return bindingInput(kind).fields.filter(({ flag }) => !(flag in COMMON_FLAGS));
}

function options({ type, choices, describe, required }: BindingField): Options {
  const notes = [describe, required && "Needed.", type === "json" && "(JSON)"];
  return {
    type: type === "number" || type === "boolean" ? type : "string",
    ...(type === "list" && { array: true }),
    ...(choices && { choices }),
    describe: notes.filter(Boolean).join(" "),
  };
}
