/** A container that belongs to a Durable Object class. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { exportedName } from "./schema.ts";

const percentage = z.number().min(1).max(100);

const image = z.union([
  z.strictObject({
    dockerfile: z.string(),
    build_context: z.string().optional(),
    build_vars: z.record(z.string(), z.string()).optional(),
  }),
  z.strictObject({ image: z.string() }),
]);

const entry = z.strictObject({
  class_name: exportedName.describe("The Durable Object class it belongs to."),
  name: z.string().min(1).optional().describe("The application's name. Default `<service>-<class>`."),
  image: z.string().optional().describe("Path of a Dockerfile, or an image of the registry."),
  images: z.record(z.string(), image).optional().describe("Named images."),
  image_build_context: z.string().optional().describe("Build context of the Dockerfile."),
  image_vars: z.record(z.string(), z.string()).optional().describe("Variables of the image's build."),
  max_instances: z.int().min(0).optional().describe("Instances at a time, at most."),
  instance_type: z
    .union([
      z.enum(["dev", "basic", "standard", "lite", "standard-1", "standard-2", "standard-3", "standard-4"]),
      z.strictObject({
        vcpu: z.number().optional(),
        memory_mib: z.number().optional(),
        disk_mb: z.number().optional(),
      }),
    ])
    .optional()
    .describe("The size of an instance."),
  scheduling_policy: z.enum(["default", "durable_object", "moon", "regional"]).optional(),
  observability: z
    .strictObject({
      enabled: z.boolean().optional(),
      logs: z.strictObject({ enabled: z.boolean().optional() }).optional(),
      target_instance_percentage: z.number().optional(),
      target_instance_count: z.number().optional(),
    })
    .optional(),
  ssh: z.strictObject({ enabled: z.boolean(), port: z.number().optional() }).optional(),
  authorized_keys: z.array(z.strictObject({ name: z.string(), public_key: z.string() })).optional(),
  trusted_user_ca_keys: z.array(z.strictObject({ name: z.string().optional(), public_key: z.string() })).optional(),
  constraints: z
    .strictObject({
      regions: z.array(z.enum(["ENAM", "WNAM", "EEUR", "WEUR", "APAC", "SAM", "ME", "OC", "AFR"])).optional(),
      jurisdiction: z.enum(["eu", "fedramp", "us"]).optional(),
    })
    .optional(),
  rollout_step_percentage: z.union([percentage, z.array(percentage)]).optional(),
  rollout_active_grace_period: z.number().min(0).optional(),
});

type Entry = z.infer<typeof entry>;

const NOT_LOCAL = "Containers run on Cloudflare's network only.";

export const containers: BindingKind = {
  id: "container",
  title: "Container",
  keys: [
    {
      path: ["containers"],
      form: "list",
      nameField: "class_name",
      inEnv: false,
      entry,
      description: "Containers that belong to Durable Object classes.",
    },
  ],
  state: "none",
  notLocal: NOT_LOCAL,
  local(binding, context) {
    const { class_name } = binding.entry as Entry;
    const what = `\`ctx.container\` of ${class_name}`;
    const message = `${NOT_LOCAL} Every use of ${what} fails here.`;
    context.warn({ severity: "warning", code: "not-local", message });
    const { service, name } = context.environment;
    context.lack(
      class_name,
      "container",
      `${what}, in ${service}@${name}: ${NOT_LOCAL} It cannot be used here; deploy to use it.`,
    );
  },
  upload: () => undefined,
  uploadMetadata(binding) {
    const { name, class_name, images } = binding.entry as Entry;
    return { containers: [{ ...(name !== undefined && { name }), class_name, ...(images && { images }) }] };
  },
  type: () => undefined,
  describe(binding) {
    const { class_name, image: source } = binding.entry as Entry;
    return source === undefined ? `of ${class_name}` : `${source} of ${class_name}`;
  },
};
