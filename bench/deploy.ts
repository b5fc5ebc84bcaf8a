/** How long a deploy takes in a store with 500 environments, beside one with a single graph. */
import path from "node:path";
import { openStore } from "../src/store/index.ts";
import { TROUPE_BIN } from "./lib/contenders.ts";
import { startNode } from "./lib/processes.ts";
import { type Check, milliseconds, ratio, type Section } from "./lib/report.ts";
import { interleave } from "./lib/stats.ts";
import { type BenchWorkspace, saveMessage, starWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

const ENVIRONMENTS = 500;

type Names = (service: string, index: number) => { service: string; environment: string };

/** What the others in the store are: name of the service → of the copy. */
const SHAPES: Record<string, Names | undefined> = {
  "1 graph": undefined,
  [`${ENVIRONMENTS} previews of it`]: (service, index) => ({ service, environment: `pr-${index}` }),
  [`${ENVIRONMENTS} other services`]: (service, index) => ({
    service: `${service}-${index}`,
    environment: "production",
  }),
};

export default async function deploys(options: BenchOptions): Promise<Section> {
  const stages = Object.entries(SHAPES).map(([title, names]) => ({
    title,
    names,
    workspace: starWorkspace(2, "first"),
  }));
  try {
    for (const { workspace, names } of stages) {
      await deploy(workspace);
      if (names) fill(workspace, names);
    }
    let saves = 0;
    const tasks = new Map(
      stages.map(({ title, workspace }) => [
        title,
        () => {
          saveMessage(workspace, `message ${++saves}`);
          return deploy(workspace);
        },
      ]),
    );
    for (const task of tasks.values()) await task();
    const figures = await interleave(options.runs ?? 15, tasks);
    const [base, ...others] = stages.map(({ title }) => ({ title, samples: figures.get(title)! }));
    return {
      name: "deploy",
      title: "troupe deploy beside many environments",
      header: ["in the store", "troupe deploy", "beside 1 graph"],
      rows: [base!, ...others].map(({ title, samples }) => [
        title,
        milliseconds(samples),
        ratio(samples, base!.samples),
      ]),
      checks: others.map(
        ({ title, samples }): Check => ({
          what: `deploy with ${title}, beside 1 graph`,
          value: samples.median / base!.samples.median,
          limit: 1.2,
          unit: " ×",
        }),
      ),
    };
  } finally {
    for (const { workspace } of stages) workspace.remove();
  }
}

/** Milliseconds from start to end. */
async function deploy(workspace: BenchWorkspace): Promise<number> {
  const startedAt = performance.now();
  const child = startNode([TROUPE_BIN, "deploy", "--json"], { cwd: workspace.root });
  await child.exited;
  const elapsed = performance.now() - startedAt;
  if (!child.output().includes('"changed":true')) throw new Error(`troupe deploy failed:\n${child.output()}`);
  await child.stop();
  return elapsed;
}

/** Copies what is deployed until the store has its 500 environments: the same code, each with a version of its own. */
function fill(workspace: BenchWorkspace, names: Names): void {
  const store = openStore(path.join(workspace.root, ".troupe"));
  const originals = store.environments().map(({ service, environment }) => store.version({ service, environment }));
  store.transaction(() => {
    for (let index = 1; store.environments().length < ENVIRONMENTS; index++) {
      for (const version of originals) {
        const ref = names(version.ref.service, index);
        const record = store.createEnvironment(ref, `${ref.environment}--${ref.service}`);
        // What it binds is copied as well.
        const renamed = (value: unknown) =>
          JSON.parse(
            originals.reduce((text, { ref: { service } }) => {
              return text.replaceAll(`"${service}"`, `"${names(service, index).service}"`);
            }, JSON.stringify(value)),
          );
        const { id } = store.addVersion(record, {
          ...version,
          environment: { ...renamed(version.environment), name: ref.environment },
          summary: renamed(version.summary),
        });
        store.activate(record, id, { operation: `copy-${index}`, action: "deploy", bound: {} });
      }
    }
  });
  store.close();
}
