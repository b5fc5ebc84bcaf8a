import command from "../put.ts";
import { withNamespaceFlag } from "../spelling.ts";

export default withNamespaceFlag(command);
