/** Querying Analytics Engine by SQL. Writing to it is analytics-engine.ts. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote } from "./schema.ts";

export const analyticsSql = networkOnly({
  id: "analytics-sql",
  title: "Analytics SQL",
  what: "Analytics SQL",
  key: {
    path: ["analytics"],
    form: "single",
    nameField: "binding",
    entry: z.strictObject({ binding: bindingName, remote }),
    description: "SQL queries over the account's analytics.",
  },
  upload: () => ({ type: "analytics" }),
  type: "AnalyticsSQLBinding",
  describe: () => "Analytics SQL",
});
