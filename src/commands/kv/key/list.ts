import command from "../list.ts";
import { withNamespaceFlag } from "../spelling.ts";

/** Wrangler prints JSON here, for `kv bulk get` and others to read. */
export default withNamespaceFlag({
  ...command,
  show: ({ keys }, output) => output.line(JSON.stringify(keys, null, 2)),
});
