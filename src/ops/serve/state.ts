/** Which store `serve` serves: the one named, or the workspace's it stands in. A host needs no config beside it. */
import { workspaceRoot } from "../../config/index.ts";
import { TroupeError } from "../../errors.ts";
import { stateDir } from "../state.ts";
import type { ServeOptions } from "./types.ts";

/** @throws TroupeError CONFIG */
export async function serveState(options: ServeOptions): Promise<string> {
  const { cwd, stateDir: chosen, processEnv } = options;
  if (chosen !== undefined || processEnv.TROUPE_STATE_DIR) return stateDir(cwd, { stateDir: chosen, cwd, processEnv });
  try {
    const root = await workspaceRoot({ cwd, config: options.config, processEnv });
    return stateDir(root, { cwd, processEnv });
  } catch (error) {
    if (!(error instanceof TroupeError) || !/^There is no config file/.test(error.message)) throw error;
    throw new TroupeError("CONFIG", "There is nothing to serve here: no config file, and no --state-dir", {
      notes: ["Run it inside a workspace, or name the store: `troupe serve --state-dir DIR`"],
    });
  }
}
