import type { Context } from "../context.ts";
import type { SecretsReport } from "../ops/secrets.ts";
import type { Output } from "../output/output.ts";

/** What a change of secrets comes to: names, never values. */
export interface SecretResult {
  service: string;
  environment: string;
  put: string[];
  deleted: string[];
  /** The version that it made; absent for an environment that has none yet. */
  version?: number;
  changed: boolean;
}

/** What became of secrets, as JSON has it; warnings are reported. */
export function secretResult(report: SecretsReport, context: Context): SecretResult {
  for (const warning of report.warnings) context.report(warning);
  const { service, environment, put, deleted, results } = report;
  const [result] = results;
  return {
    service,
    environment,
    put,
    deleted,
    ...(result && { version: result.version }),
    changed: result ? result.changed : true,
  };
}

/** One line: what was set or deleted, and the version that is active now. */
export function showSecretResult(result: SecretResult, output: Output): void {
  const { service, environment, put, deleted, version, changed } = result;
  const what = put.length > 0 ? `${put.join(", ")} set` : `${deleted.join(", ")} deleted`;
  const then =
    version === undefined
      ? "its first deploy will have it"
      : changed
        ? `version ${version} is active`
        : `the value is the same, version ${version} stays`;
  output.line(`${output.style.bold(`${service}@${environment}`)} ${what}; ${then}`);
}
