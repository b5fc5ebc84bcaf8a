/** An R2 bucket. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { localResourceId, resourceOf } from "./resource.ts";
import { bindingName, remote, shared } from "./schema.ts";

/** https://developers.cloudflare.com/r2/buckets/create-buckets/#bucket-level-operations */
const bucketName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    "must have 3 to 63 lowercase letters, digits and hyphens, and begin and end with a letter or digit",
  );

const entry = z.strictObject({
  binding: bindingName,
  bucket_name: bucketName
    .optional()
    .describe("The bucket. Left out: one of this service's own, named after the binding."),
  preview_bucket_name: bucketName.optional().describe("The bucket that `wrangler dev` uses instead of `bucket_name`."),
  jurisdiction: z.string().optional().describe("The jurisdiction the bucket lies in. It means nothing locally."),
  shared,
  remote,
  local_dev: z
    .strictObject({
      experimental_s3_credentials: z
        .strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() })
        .optional()
        .describe("Credentials for the local S3-compatible endpoint."),
    })
    .optional()
    .describe("Settings for local development only."),
});

export const r2: BindingKind = {
  id: "r2",
  title: "R2 bucket",
  keys: [
    {
      path: ["r2_buckets"],
      form: "list",
      nameField: "binding",
      entry,
      description: "Buckets for objects of any size.",
    },
  ],
  state: "disk",
  resource: { type: "r2", fields: ["bucket_name"], previewField: "preview_bucket_name" },

  local(binding, context) {
    const credentials = (binding.entry as z.infer<typeof entry>).local_dev?.experimental_s3_credentials;
    context.bind(binding.name, {
      type: "r2",
      name: localResourceId(resourceOf(binding)),
      ...(credentials && { dev: { experimentalS3Credentials: credentials } }),
    });
  },

  upload(binding, context) {
    const { jurisdiction } = binding.entry as z.infer<typeof entry>;
    return {
      name: binding.name,
      type: "r2_bucket",
      bucket_name: context.resourceId(binding),
      ...(jurisdiction !== undefined && { jurisdiction }),
    };
  },

  type: () => "R2Bucket",

  describe: (binding) => resourceOf(binding).id,
};
