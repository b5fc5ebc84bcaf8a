/** Static files, served before the code (or when the code asks for them). */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import type { Binding, Environment } from "../model.ts";
import type { BindingFault, BindingKind } from "./kind.ts";
import { bindingName } from "./schema.ts";

const entry = z.strictObject({
  directory: z.string().min(1).optional().describe("The folder of files, beside the config."),
  binding: bindingName.optional(),
  html_handling: z
    .enum(["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"])
    .optional()
    .describe("How paths lead to HTML files. Default `auto-trailing-slash`."),
  not_found_handling: z
    .enum(["single-page-application", "404-page", "none"])
    .optional()
    .describe("What is served for a path without a file. Default `none`: the code, or an empty 404."),
  base_path: z.string().optional().describe("The path that the files are served below."),
  run_worker_first: z
    .union([z.boolean(), z.array(z.string())])
    .optional()
    .describe("True, or patterns of paths (`!` excludes): the code answers first, even where there is a file."),
});

type Entry = z.infer<typeof entry>;

function directory(binding: Binding, environment: Environment): string {
  return resolve(environment.dir, (binding.entry as Entry).directory ?? "");
}

export const assets: BindingKind = {
  id: "assets",
  title: "Static assets",
  keys: [
    {
      path: ["assets"],
      form: "single",
      nameField: "binding",
      entry,
      inheritable: true,
      description: "Static files to serve.",
    },
  ],
  state: "none",

  validate(binding, environment) {
    const { directory: folder, binding: name, run_worker_first } = binding.entry as Entry;
    const faults: BindingFault[] = [];
    if (folder === undefined) {
      faults.push({
        code: "missing-field",
        message: "`assets` has no `directory`.",
        notes: ['Write `directory = "./public"`.'],
        // A build tool may write it, into a config of its own.
        toRun: true,
      });
    }
    if (environment.main !== undefined) return faults;
    const why = `but ${environment.service} has no code (\`main\`)`;
    if (name !== undefined) {
      faults.push({
        code: "assets-without-code",
        message: `\`assets.binding\` is for code, ${why}.`,
        path: ["binding"],
      });
    }
    if (run_worker_first !== undefined && run_worker_first !== false) {
      const message = `\`assets.run_worker_first\` is for code, ${why}.`;
      faults.push({ code: "assets-without-code", message, path: ["run_worker_first"] });
    }
    return faults;
  },

  watch: (binding, environment) =>
    (binding.entry as Entry).directory === undefined ? {} : { folders: [directory(binding, environment)] },

  local(binding, context) {
    const {
      directory: written,
      html_handling,
      not_found_handling,
      base_path,
      run_worker_first,
    } = binding.entry as Entry;
    if (written === undefined) return;
    const folder = directory(binding, context.environment);
    if (!existsSync(folder)) {
      context.warn({
        severity: "warning",
        code: "missing-assets",
        message: `The folder of static assets does not exist: ${folder}`,
        notes: ["Build the site first, or correct `assets.directory`."],
      });
    }
    context.configure({
      config: {
        assets: {
          directory: folder,
          hasUserWorker: context.environment.main !== undefined,
          ...(html_handling !== undefined && { htmlHandling: html_handling }),
          ...(not_found_handling !== undefined && { notFoundHandling: not_found_handling }),
          ...(base_path !== undefined && { basePath: base_path }),
          ...(run_worker_first !== undefined && { runWorkerFirst: run_worker_first }),
        },
      },
    });
    if (binding.inEnv) context.bind(binding.name, { type: "assets" });
  },

  upload: (binding) => (binding.inEnv ? { name: binding.name, type: "assets" } : undefined),

  // The files themselves, and the token for having uploaded them, are the target's business.
  uploadMetadata(binding, context) {
    const { html_handling, not_found_handling, base_path, run_worker_first } = binding.entry as Entry;
    const folder = directory(binding, context.environment);
    const rules = (name: string) => {
      const file = join(folder, name);
      return existsSync(file) ? { [name]: readFileSync(file, "utf8") } : {};
    };
    const config = {
      html_handling,
      not_found_handling,
      base_path,
      run_worker_first,
      ...rules("_redirects"),
      ...rules("_headers"),
    };
    return {
      assets: { config: Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) },
    };
  },

  type: (binding) => (binding.inEnv ? "Fetcher" : undefined),

  describe: (binding) => (binding.entry as Entry).directory ?? "",
};
