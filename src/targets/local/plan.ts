/** What would be if some drafts were true, and what stands in their way. */
import { throwIfErrors } from "../../errors.ts";
import { refId } from "../../model.ts";
import type { Store } from "../../store/index.ts";
import { fingerprintOf } from "../diff.ts";
import { changeFaults } from "./checks.ts";
import { type DeployedWorkspace, deployedWorkspace, workspaceOf } from "./deployed.ts";
import { type Draft, type Preview, preview } from "./draft.ts";

export interface Plan {
  previews: Preview[];
  /** Of these, what differs from what is active. */
  changed: Preview[];
  after: DeployedWorkspace;
}

export interface PlanOptions {
  now: Date;
  allowDataLoss: boolean;
  /** Folder of the data of all deployed environments. */
  dataDir: string;
}

/** @throws TroupeError PRECONDITION with everything that is wrong, STORE */
export function planChange(store: Store, drafts: readonly Draft[], { now, allowDataLoss, dataDir }: PlanOptions): Plan {
  const previews = drafts.map((draft) => preview(store, draft, now));
  const changed = previews.filter(differs);
  const before = deployedWorkspace(store);
  const after = afterwards(before, changed);
  const faults = changeFaults(before, after, changed, { allowDataLoss, dataDir });
  throwIfErrors("PRECONDITION", faults, `${faults.length} things stand in the way; nothing was changed`);
  return { previews, changed, after };
}

/** A rollback is a change also when the code it brings back is the same. */
function differs({ draft, previous, content }: Preview): boolean {
  if (draft.existing) return previous?.id !== draft.existing.id;
  return previous === undefined || previous.fingerprint !== fingerprintOf(content);
}

/** What is deployed, with the changes in it. */
export function afterwards(before: DeployedWorkspace, changed: readonly Preview[]): DeployedWorkspace {
  const all = new Map(before.deployed);
  for (const { deployed } of changed) all.set(refId(deployed.ref), deployed);
  return workspaceOf([...all.values()]);
}
