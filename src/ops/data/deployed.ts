/** A way to the data of a deployed environment: through the `troupe serve` that holds it. */
import { localResourceId, resourceOf } from "../../bindings/resource.ts";
import { TroupeError } from "../../errors.ts";
import type { Workspace } from "../../model.ts";
import { openStore } from "../../store/index.ts";
import { deployedWorkspace } from "../deployed/index.ts";
import { selectEnvironments, selectServices, selectWorkspace } from "../select.ts";
import { runningServe } from "../serve/lock.ts";
import { stateDir } from "../state.ts";
import { type DataConnection, type DataSelection, findBinding } from "./connect.ts";
import { callOwner } from "./remote.ts";

/**
 * @throws TroupeError CONFIG; NOT_FOUND: not deployed, or no such binding; PRECONDITION when nobody serves the store
 */
export async function connectDeployed(selection: DataSelection, kind: string, name: string): Promise<DataConnection> {
  const { workspace: written } = await selectWorkspace(selection);
  const state = stateDir(written.root, selection);
  const { environment, binding } = findBinding(chosen(selection, written, state), kind, name);
  const host = await runningServe(state);
  if (!host) {
    throw new TroupeError("PRECONDITION", `Nobody serves ${state}, and only the host reaches deployed data`, {
      notes: ["Start it: `troupe serve`", "Without --deployed, this is about the data of `dev`"],
    });
  }
  const ref = { service: environment.service, environment: environment.name };
  const about = { kind, ref, binding: binding.name, resource: localResourceId(resourceOf(binding)) };
  return {
    environment,
    binding,
    run: (verb, args = {}, body) => callOwner(host, state, { ...about, verb, args }, body),
    close: async () => {},
  };
}

/** The environments meant, as they are deployed. */
function chosen(selection: DataSelection, written: Workspace, state: string) {
  const store = openStore(state, { mustExist: true });
  try {
    const { current } = written;
    const services = selectServices(
      { ...deployedWorkspace(store, { all: true }), ...(current && { current }) },
      selection,
    );
    return selectEnvironments(services, selection.env);
  } finally {
    store.close();
  }
}
