/** A way to the data of a deployed environment: through the `troupe serve` that holds it, or by holding it for a moment. */
import path from "node:path";
import { localResourceId, resourceOf } from "../../bindings/resource.ts";
import { Homes, userOf } from "../../host/homes.ts";
import { serveData } from "../../host/seeds.ts";
import { type Binding, type EnvironmentRef, refId, type Workspace } from "../../model.ts";
import { type EnvironmentRecord, openStore } from "../../store/index.ts";
import { deployedWorkspace } from "../deployed/index.ts";
import { selectEnvironments, selectServices, selectWorkspace } from "../select.ts";
import { runningServe, takeState } from "../serve/lock.ts";
import { stateDir } from "../state.ts";
import { type DataConnection, type DataSelection, findBinding, openHere } from "./connect.ts";
import { callOwner } from "./remote.ts";

/**
 * @throws TroupeError CONFIG; NOT_FOUND: not deployed, or no such binding; CONFLICT when somebody takes hold of the store
 *   at the same moment
 */
export async function connectDeployed(selection: DataSelection, kind: string, name: string): Promise<DataConnection> {
  const { workspace: written } = await selectWorkspace(selection);
  const state = stateDir(written.root, selection);
  const { environment, binding } = findBinding(chosen(selection, written, state), kind, name);
  const host = await runningServe(state);
  const ref = { service: environment.service, environment: environment.name };
  if (!host) return openServed(state, kind, ref, binding);
  const about = { kind, ref, binding: binding.name, resource: localResourceId(resourceOf(binding)) };
  return {
    environment,
    binding,
    run: (verb, args = {}, body) => callOwner(host, state, { ...about, verb, args }, body),
    close: async () => {},
  };
}

/** As the host would: in the home that the environment's data has, with nobody else serving the store meanwhile. */
async function openServed(state: string, kind: string, ref: EnvironmentRef, binding: Binding): Promise<DataConnection> {
  const lock = await takeState(state);
  try {
    const store = openStore(state, { mustExist: true });
    try {
      const users = new Set(store.environments().map((record) => userOf({ id: workerOf(record), record })));
      const deployed = deployedWorkspace(store).deployed.get(refId(ref))!;
      const homes = await Homes.open(serveData(state), (user) => users.has(user));
      const folder = await homes.claim([deployed]);
      const { environment } = deployed;
      const queues = path.dirname(serveData(state));
      return await openHere({ kind, environment, binding, folder, queues, release: () => lock.release() });
    } finally {
      store.close();
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function workerOf({ service, settings }: EnvironmentRecord): string {
  return refId({ service, environment: settings.edition });
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
