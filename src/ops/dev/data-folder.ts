/** The data folder of a run: taken with a lock, and open to other commands through the control API. */
import path from "node:path";
import { localResourceId } from "../../bindings/resource.ts";
import { TroupeError } from "../../errors.ts";
import { type Control, startControl } from "../../host/control.ts";
import { type Lock, takeLock } from "../../lib/lock.ts";
import type { Binding, Environment } from "../../model.ts";
import type { DataCall } from "../data/connect.ts";
import { answerData } from "../data/serve.ts";
import { ensureStateFolder } from "../state.ts";
import type { Plan } from "./plan.ts";

export interface DataFolder {
  folder: string;
  release(): Promise<void>;
}

/**
 * @param bindingOf answers data commands of other processes
 * @throws TroupeError CONFLICT naming the process that has the folder; the file system's error when it cannot be written
 */
export async function takeDataFolder(
  state: string,
  folder: string,
  bindingOf: (call: DataCall) => Promise<unknown>,
): Promise<DataFolder> {
  await ensureStateFolder(state, folder);
  const taken = await takeLock(path.join(folder, "owner.json"));
  if ("owner" in taken) {
    throw new TroupeError(
      "CONFLICT",
      `The data folder ${folder} is in use by another troupe (process ${taken.owner.pid})`,
      { notes: ["Stop that process, or give this one a folder of its own with --persist-to"] },
    );
  }
  const { lock } = taken;
  const control = await openControl(lock, bindingOf);
  return {
    folder,
    async release() {
      await control.close();
      await lock.release();
    },
  };
}

async function openControl(lock: Lock, bindingOf: (call: DataCall) => Promise<unknown>): Promise<Control> {
  const control = await startControl((request) => answerData(request, bindingOf));
  // Whoever may read the folder's lock (mode 0600) may use the data in it.
  await lock.update({ control: control.url, token: control.token });
  return control;
}

/** The binding that a data command means, if it is as the command has read it: same name, same resource. */
export function calledBinding(
  { workspace }: Plan,
  { ref, binding: name, resource }: DataCall,
): { environment: Environment; binding: Binding } | undefined {
  const service = workspace.services.find((candidate) => candidate.name === ref.service);
  const environment = service?.environments[ref.environment];
  const binding = environment?.bindings.find(
    (candidate) => candidate.name === name && candidate.resource && localResourceId(candidate.resource) === resource,
  );
  return environment && binding && { environment, binding };
}
