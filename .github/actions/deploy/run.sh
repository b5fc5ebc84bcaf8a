#!/usr/bin/env bash
# One command of troupe in CI: its result goes to the step's outputs and to the job's summary, its errors to the log.
# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
set -euo pipefail

troupe=${TROUPE_BIN:-npx --no-install troupe}
flags=(--target "$TROUPE_TARGET" --json)
for service in $TROUPE_SERVICES; do flags+=(--service "$service"); done

case "$TROUPE_COMMAND" in
  deploy)
    words=(deploy --env "$TROUPE_ENVIRONMENT" --create)
    if [ -n "$TROUPE_FROM" ]; then words+=(--from "$TROUPE_FROM"); fi
    ;;
  promote) words=(env promote "${TROUPE_FROM:?promote needs the input \"from\"}" "$TROUPE_ENVIRONMENT" --graph) ;;
  delete) words=(env delete "$TROUPE_ENVIRONMENT" --graph --yes) ;;
  *)
    echo "::error::unknown command \"$TROUPE_COMMAND\": deploy, promote or delete" >&2
    exit 2
    ;;
esac

# Flags are typed by the workflow's author, and split as the shell would.
# shellcheck disable=SC2086
result=$($troupe "${words[@]}" "${flags[@]}" $TROUPE_ARGUMENTS)

TROUPE_RESULT=$result node <<'SCRIPT'
const { appendFileSync } = require("node:fs");
const result = JSON.parse(process.env.TROUPE_RESULT);
const list = result.deployments ?? result.environments ?? [];
const rows = list.map((each) => {
  const where = each.url ?? each.routes?.[0] ?? "private";
  const version = each.deleted ? "deleted" : `${each.version}${each.changed === false ? " (unchanged)" : ""}`;
  return `| ${each.service} | ${each.environment ?? each.name} | ${version} | ${where} |`;
});
const summary = ["| Service | Environment | Version | URL |", "|---|---|---|---|", ...rows].join("\n");
const outputs = {
  deployments: JSON.stringify(result),
  url: list.find((each) => each.url)?.url ?? "",
  changed: String(list.some((each) => each.changed !== false)),
  summary,
};
const end = `end-${process.pid}-${Date.now()}`;
for (const [name, value] of Object.entries(outputs)) {
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `${name}<<${end}\n${value}\n${end}\n`);
}
if (process.env.GITHUB_STEP_SUMMARY) appendFileSync(process.env.GITHUB_STEP_SUMMARY, `${summary}\n`);
console.log(summary);
SCRIPT
