/** A D1 database. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { localResourceId, resourceNameFaults, resourceOf } from "./resource.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  database_name: z.string().min(1).optional().describe("The database's name."),
  database_id: z.string().min(1).optional().describe("The database. Without id and name: one of this service's own."),
  preview_database_id: z.string().min(1).optional().describe("The database that `wrangler dev` uses instead."),
  jurisdiction: z.string().optional().describe("The jurisdiction it is created in. It means nothing locally."),
  migrations_table: z.string().min(1).optional().describe("The table of applied migrations. Default `d1_migrations`."),
  migrations_dir: z
    .string()
    .min(1)
    .optional()
    .describe("Folder of migrations, beside the config. Default `migrations`."),
  migrations_pattern: z
    .string()
    .min(1)
    .optional()
    .describe("Which files are migrations. Default `<migrations_dir>/*.sql`."),
  database_internal_env: z.string().optional().describe("For Cloudflare's own use."),
  shared,
  remote,
});

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const d1: BindingKind = {
  id: "d1",
  title: "D1 database",
  keys: [{ path: ["d1_databases"], form: "list", nameField: "binding", entry, description: "SQL databases (SQLite)." }],
  state: "disk",
  resource: {
    type: "d1",
    fields: ["database_id", "database_name"],
    previewField: "preview_database_id",
    idPattern: ID,
  },

  validate: (binding, environment) => resourceNameFaults(binding, environment, { pattern: ID, form: "UUIDs" }),

  local(binding, context) {
    context.bind(binding.name, { type: "d1", id: localResourceId(resourceOf(binding)) });
  },

  upload(binding, context) {
    const { database_internal_env } = binding.entry as z.infer<typeof entry>;
    return {
      name: binding.name,
      type: "d1",
      id: context.resourceId(binding),
      ...(database_internal_env !== undefined && { internalEnv: database_internal_env }),
    };
  },

  type: () => "D1Database",

  describe(binding) {
    const { database_name } = binding.entry as z.infer<typeof entry>;
    const { id, name, edition } = resourceOf(binding);
    if (database_name === undefined || database_name === name) return id;
    return edition === undefined ? database_name : `${database_name}@${edition}`;
  },
};
