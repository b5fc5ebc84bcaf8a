#!/usr/bin/env bash
# One command of troupe in CI: its result goes to the step's outputs and to the job's summary, its errors to the log.
# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
set -euo pipefail

troupe=${TROUPE_BIN:-npx --no-install troupe}
flags=(--target "$TROUPE_TARGET" --json)
for service in $TROUPE_SERVICES; do flags+=(--service "$service"); done

# What the job has set counts where an input is left out.
if [ -n "${TROUPE_API_TOKEN:-}" ]; then export CLOUDFLARE_API_TOKEN=$TROUPE_API_TOKEN; fi
if [ -n "${TROUPE_ACCOUNT_ID:-}" ]; then export CLOUDFLARE_ACCOUNT_ID=$TROUPE_ACCOUNT_ID; fi

# mktemp makes it for this user alone.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

case "$TROUPE_COMMAND" in
  deploy)
    words=(deploy --env "$TROUPE_ENVIRONMENT" --create)
    if [ -n "$TROUPE_FROM" ]; then words+=(--from "$TROUPE_FROM"); fi
    if [ -n "${TROUPE_SECRETS:-}" ]; then
      printf '%s\n' "$TROUPE_SECRETS" >"$scratch/secrets"
      words+=(--secrets-file "$scratch/secrets")
    fi
    ;;
  promote) words=(env promote "${TROUPE_FROM:?promote needs the input \"from\"}" "$TROUPE_ENVIRONMENT" --graph) ;;
  delete)
    words=(env delete "$TROUPE_ENVIRONMENT" --graph --yes)
    if [ "$TROUPE_TARGET" = cloudflare ] && [ "${TROUPE_KEEP_RESOURCES:-false}" != true ]; then words+=(--resources); fi
    ;;
  *)
    echo "::error::unknown command \"$TROUPE_COMMAND\": deploy, promote or delete" >&2
    exit 2
    ;;
esac

code=0
# Flags are typed by the workflow's author, and split as the shell would.
# shellcheck disable=SC2086
result=$($troupe "${words[@]}" "${flags[@]}" ${TROUPE_ARGUMENTS:-} 2>"$scratch/stderr") || code=$?
cat "$scratch/stderr" >&2

# A preview that is gone already, or whose deploy never worked, needs no deleting.
gone=
if [ "$TROUPE_COMMAND" = delete ] && [ "$code" = 5 ]; then
  code=0
  gone=yes
  result='{"environments":[]}'
fi

TROUPE_CODE=$code TROUPE_GONE=$gone TROUPE_RESULT=$result TROUPE_STDERR=$scratch/stderr node <<'SCRIPT'
const { appendFileSync, readFileSync } = require("node:fs");

// Commands to the runner are lines: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
const escaped = (text) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
for (const line of readFileSync(process.env.TROUPE_STDERR, "utf8").split("\n")) {
  if (!line.startsWith("{")) continue;
  let said;
  try {
    said = JSON.parse(line);
  } catch {
    continue;
  }
  const kind = !said.error ? "warning" : process.env.TROUPE_GONE ? "notice" : "error";
  const { message, notes = [], diagnostics = [] } = said.error ?? said.warning ?? {};
  if (message === undefined) continue;
  const more = diagnostics.filter((each) => each.message !== message).map((each) => `- ${each.message}`);
  console.log(`::${kind}::${escaped([message, ...more, ...notes].join("\n"))}`);
}
if (process.env.TROUPE_CODE !== "0") process.exit(Number(process.env.TROUPE_CODE));

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
