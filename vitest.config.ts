import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** They take longest, much of it waiting: begun first, they run beside the others and not alone at the end. */
const LONGEST = [
  "deploy/kills",
  "broker/serve",
  "cloudflare/faults",
  "deploy/deploy",
  "runtime/loader",
  "targets/local",
  "cloudflare/tail",
  "targets/cloudflare",
  "serve/processes",
  "package/pack",
];

/** What vitest knows of earlier runs, or the size of files where there was none, puts the rest in order. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    // Tests start real processes, and look at their own children: processes and no threads. Files share three of them, one
    // more than CI has cores, because a fifth of the time they wait: for a retry, a cron, a process that ends. To load the
    // sources again for each file would take a third of a second every time.
    pool: "forks",
    isolate: false,
    // Node runs these sources as they are, and faster than what Vite would make of them.
    experimental: { viteModuleRunner: false },
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Of those in one file that may run side by side, which do so because they wait.
    maxConcurrency: 10,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // A condition that comes true ends the wait; on a busy machine that may take long.
    expect: { poll: { timeout: 30_000 } },
  },
});
