/** A database reached through Hyperdrive; locally, straight through `localConnectionString`. */
import * as z from "zod";
import type { Binding } from "../model.ts";
import type { BindingKind } from "./kind.ts";
import { bindingName, remote } from "./schema.ts";
import { bindUnavailable } from "./unavailable.ts";

const entry = z.strictObject({
  binding: bindingName,
  id: z.string().min(1).describe("The Hyperdrive configuration, on Cloudflare's network."),
  localConnectionString: z
    .string()
    .min(1)
    .optional()
    .describe("The database to use locally: postgres://user:password@localhost:5432/database (or mysql://)."),
  remote,
});

type Entry = z.infer<typeof entry>;

/** The same variables as Wrangler's, the deprecated one last. */
const VARIABLES = ["CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_", "WRANGLER_HYPERDRIVE_LOCAL_CONNECTION_STRING_"];

const variablesOf = ({ name }: Binding): string[] => VARIABLES.map((prefix) => prefix + name);

/** What is wrong with a connection string, if anything. The runtime would refuse the whole graph for it. */
function connectionFault(text: string): string | undefined {
  if (!URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  if (!["postgres:", "postgresql:", "mysql:"].includes(url.protocol)) return "must begin with postgres:// or mysql://";
  if (url.hostname === "") return "names no host";
  if (url.username === "" || url.password === "") return "needs a user name and a password";
  if (url.pathname.length < 2) return "names no database";
  return undefined;
}

export const hyperdrive: BindingKind = {
  id: "hyperdrive",
  title: "Hyperdrive",
  keys: [
    { path: ["hyperdrive"], form: "list", nameField: "binding", entry, description: "Postgres or MySQL databases." },
  ],
  state: "none",
  variables: variablesOf,

  validate(binding) {
    const { localConnectionString } = binding.entry as Entry;
    const fault = localConnectionString === undefined ? undefined : connectionFault(localConnectionString);
    if (fault === undefined) return [];
    return [
      {
        code: "malformed-connection-string",
        message: `\`localConnectionString\` of Hyperdrive "${binding.name}" ${fault}.`,
        notes: ["It looks like postgres://user:password@localhost:5432/database."],
        path: ["localConnectionString"],
      },
    ];
  },

  local(binding, context) {
    const { id, localConnectionString } = binding.entry as Entry;
    const [variable] = variablesOf(binding);
    // An empty one counts for nothing, as in Wrangler.
    const given = variablesOf(binding)
      .map((name) => context.secret(name) || undefined)
      .find((text) => text !== undefined);
    const connectionString = given ?? localConnectionString;
    const fault = connectionString === undefined ? "is missing" : connectionFault(connectionString);
    if (connectionString !== undefined && fault === undefined) {
      context.bind(binding.name, { type: "hyperdrive", id, dev: { connectionString } });
      return;
    }
    const message = `env.${binding.name}: the local database's connection string ${fault}. Write \`localConnectionString\` in its [[hyperdrive]] entry, or set ${variable} (in .dev.vars, .env or the environment).`;
    context.warn({ severity: "warning", code: "missing-connection-string", message });
    bindUnavailable(context, binding.name, message);
  },

  upload: (binding) => ({ name: binding.name, type: "hyperdrive", id: (binding.entry as Entry).id }),

  type: () => "Hyperdrive",

  describe(binding) {
    const { id, localConnectionString } = binding.entry as Entry;
    if (localConnectionString === undefined || !URL.canParse(localConnectionString)) return id;
    // The password stays out.
    const { protocol, host, pathname } = new URL(localConnectionString);
    return `${id} (locally ${protocol}//${host}${pathname})`;
  },
};
