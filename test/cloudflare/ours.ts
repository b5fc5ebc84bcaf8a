/** Deploys a folder the way the target does, without a process of its own. */
import { createBundler } from "../../src/bundle/index.ts";
import { loadWorkspace, storedConfig } from "../../src/config/index.ts";
import { closure } from "../../src/graph/index.ts";
import type { Workspace } from "../../src/model.ts";
import { Api } from "../../src/targets/cloudflare/client.ts";
import { deployAll } from "../../src/targets/cloudflare/deploy.ts";
import { Network } from "../../src/targets/cloudflare/network.ts";
import type { Wanted } from "../../src/targets/cloudflare/plan.ts";
import type { ChangeOptions, ChangeReport } from "../../src/targets/target.ts";
import { ACCOUNT } from "./cloud.ts";
import { type CloudServer, TOKEN } from "./server.ts";

export interface OurOptions extends ChangeOptions {
  env?: string;
  secrets?: Record<string, string>;
  withoutSecrets?: string[];
}

export async function openNetwork(server: CloudServer): Promise<Network> {
  const api = await Api.open({ token: TOKEN, baseUrl: server.url, source: "login", retryDelay: 2 });
  return new Network(api, ACCOUNT);
}

export interface Prepared {
  wanted: Wanted[];
  workspace: Workspace;
}

/** All services of the folder with what they bind, built, dependencies first. */
export async function prepareOurs(
  cwd: string,
  { env, secrets = {}, withoutSecrets = [] }: Pick<OurOptions, "env" | "secrets" | "withoutSecrets"> = {},
): Promise<Prepared> {
  const { workspace } = await loadWorkspace({ cwd, processEnv: {}, ...(env !== undefined && { env }) });
  const roots = workspace.services.map((service) => service.environments[env ?? service.defaultEnvironment]!);
  const { order, environments } = closure(workspace, roots);
  const wanted = await Promise.all(
    order.map(async (id): Promise<Wanted> => {
      const environment = environments.get(id)!;
      const ref = { service: environment.service, environment: environment.name };
      const bundler = await createBundler(environment, { mode: "production" });
      const { bundle } = await bundler.build();
      await bundler.dispose();
      const service = workspace.services.find(({ name }) => name === environment.service)!;
      const { modules, exports } = bundle;
      return {
        ref,
        environment,
        bundle,
        action: "deploy",
        secrets,
        withoutSecrets,
        record: {
          format: 1,
          ref,
          environment,
          config: storedConfig(service),
          settings: { edition: environment.name },
          exports,
          modules: modules.map(({ name, type }) => ({ name, type })),
        },
      };
    }),
  );
  return { wanted, workspace };
}

export async function deployPrepared(
  server: CloudServer,
  prepared: Prepared,
  change: ChangeOptions = {},
): Promise<ChangeReport> {
  const network = await openNetwork(server);
  return deployAll(network, {
    ...change,
    ...prepared,
    contentOf: async () => undefined,
    versionOf: async () => undefined,
  });
}

export async function deployOurs(server: CloudServer, cwd: string, options: OurOptions = {}): Promise<ChangeReport> {
  const { env, secrets, withoutSecrets, ...change } = options;
  const prepared = await prepareOurs(cwd, {
    ...(env !== undefined && { env }),
    ...(secrets && { secrets }),
    ...(withoutSecrets && { withoutSecrets }),
  });
  return deployPrepared(server, prepared, change);
}
