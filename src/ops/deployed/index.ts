/** What a store has deployed, for those who run it. */
export { type Deployed, type DeployedWorkspace, deployedWorkspace } from "../../targets/local/deployed.ts";
export { deployedSpec, type SpecOptions } from "../../targets/local/spec.ts";
export { runTogether } from "../../targets/local/together.ts";
