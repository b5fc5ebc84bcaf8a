import command from "../delete.ts";
import { withNamespaceFlag } from "../spelling.ts";

export default withNamespaceFlag(command);
