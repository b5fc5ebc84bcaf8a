/** Media Transformations. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote } from "./schema.ts";

export const media = networkOnly({
  id: "media",
  title: "Media Transformations",
  what: "Media Transformations",
  key: {
    path: ["media"],
    form: "single",
    nameField: "binding",
    entry: z.strictObject({ binding: bindingName, remote }),
    description: "Transforms video and audio.",
  },
  upload: () => ({ type: "media" }),
  type: "MediaBinding",
  describe: () => "Media Transformations",
});
