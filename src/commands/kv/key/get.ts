import command from "../get.ts";
import { withNamespaceFlag } from "../spelling.ts";

export default withNamespaceFlag(command);
