/** Starts what is about to be deployed, without data and without anybody calling it: what cannot start is not deployed. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { closure } from "../../graph/index.ts";
import { createGraphRuntime } from "../../runtime/index.ts";
import type { Store } from "../../store/index.ts";
import { isBundle, type Preview } from "./draft.ts";
import type { Plan } from "./plan.ts";
import { specOf } from "./spec.ts";

/** @throws TroupeError START with the Worker's own error; STORE when what it binds is damaged */
export type Trial = (store: Store, plan: Plan, signal?: AbortSignal) => Promise<void>;

/** In a process of its own. */
export const tryToStart: Trial = async (store, { changed, after }, signal) => {
  if (changed.length === 0) return;
  const previews = new Map<string, Preview>(changed.map((each) => [each.deployed.id, each]));
  const graph = closure(
    after,
    changed.map(({ deployed }) => deployed.environment),
  );
  const ids = [...graph.environments.keys()].flatMap((id) => after.deployed.get(id)?.id ?? []);
  const filesDir = await mkdtemp(path.join(os.tmpdir(), "troupe-trial-"));
  const runtime = createGraphRuntime();
  const stop = () => void runtime.close();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const spec = await specOf(
      after,
      ids,
      { filesDir, reachable: new Set() },
      {
        bundle({ id, version }) {
          const code = previews.get(id)?.draft.fresh?.code;
          return code && isBundle(code) ? code : store.loadBundle({ ...version, ...(code && !isBundle(code) && code) });
        },
        secrets({ id, version }) {
          return { ...store.openSecrets(version.secrets), ...previews.get(id)?.newSecrets };
        },
        file({ id }, file) {
          const fresh = previews.get(id)?.draft.fresh?.files.find(({ path: name }) => name === file.path);
          return fresh && "contents" in fresh ? fresh.contents : store.loadFile(file);
        },
      },
    );
    await runtime.swap(spec);
  } finally {
    signal?.removeEventListener("abort", stop);
    await runtime.close();
    await rm(filesDir, { recursive: true, force: true });
  }
};
