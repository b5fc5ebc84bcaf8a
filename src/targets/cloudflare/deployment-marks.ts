/** What one deploy notes at the deployments it makes, and how it knows them again when they have to be taken back. */
import { randomBytes } from "node:crypto";
import { refId } from "../../model.ts";
import { type DeploymentMark, readDeployment } from "./annotations.ts";
import type { DeployAllRequest } from "./deploy.ts";
import type { NetDeployment, NetVersion, Network } from "./network.ts";
import type { Planned } from "./plan.ts";

export class DeploymentMarks {
  readonly #network: Network;
  readonly #request: DeployAllRequest;
  readonly #planned: readonly Planned[];
  readonly #versions: ReadonlyMap<Planned, NetVersion>;
  readonly #operation = randomBytes(6).toString("hex");

  /** @param versions what is live by now, of those that changed: it grows while the deploy goes on */
  constructor(
    network: Network,
    request: DeployAllRequest,
    planned: readonly Planned[],
    versions: ReadonlyMap<Planned, NetVersion>,
  ) {
    this.#network = network;
    this.#request = request;
    this.#planned = planned;
    this.#versions = versions;
  }

  async of(each: Planned): Promise<DeploymentMark> {
    const { message, author } = this.#request;
    return {
      action: each.action,
      operation: this.#operation,
      ...(message !== undefined && { message }),
      ...(author !== undefined && { author }),
      ...(each.from !== undefined && { from: each.from }),
      bound: await this.#boundBy(each),
    };
  }

  /** Of a deployment that puts back what was there. */
  ofUndoing(): DeploymentMark {
    return { action: "rollback", operation: `undo-${this.#operation}` };
  }

  /** Whether this deploy made the deployment; an upload that was live at once told it with its version. */
  async areOn({ annotations, versions: [share] }: NetDeployment, scriptName: string): Promise<boolean> {
    const { operation } = readDeployment(annotations);
    if (operation !== undefined) return operation === this.#operation;
    const version = (await this.#network.versions(scriptName)).find(({ id }) => id === share?.version_id);
    return readDeployment(version?.annotations).operation === this.#operation;
  }

  /** What it binds, and in which version that is now: `service@environment` → number. */
  async #boundBy(each: Planned): Promise<Record<string, number>> {
    const scripts = new Set(each.environment.bindings.flatMap((binding) => each.needs(binding)));
    scripts.delete(each.environment.scriptName);
    const bound: Record<string, number> = {};
    for (const script of scripts) {
      const planned = this.#planned.find(({ environment }) => environment.scriptName === script);
      const found = planned
        ? { ref: planned.ref, version: (this.#versions.get(planned) ?? planned.active)?.number }
        : await this.#request.versionOf(script);
      if (found?.version !== undefined) bound[refId(found.ref)] = found.version;
    }
    return bound;
  }
}
