import command from "../import.ts";
import { withNamespaceFlag } from "../spelling.ts";

export default withNamespaceFlag(command);
