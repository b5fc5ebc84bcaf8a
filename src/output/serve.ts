/** How `serve` reads on a terminal. */
import type { EnvironmentRef } from "../model.ts";
import type { ServeEvent, VersionRef } from "../ops/serve/types.ts";
import { renderDevEvent } from "./dev.ts";
import type { Output } from "./output.ts";

/** Draws one event of `serve`. */
export function renderServeEvent(event: ServeEvent, output: Output): void {
  const { style } = output;
  switch (event.reason) {
    case "ready": {
      output.line();
      const width = Math.max(0, ...Object.keys(event.urls).map((name) => name.length));
      for (const [name, url] of Object.entries(event.urls)) {
        output.line(`  ${style.bold(name.padEnd(width))}  ${style.cyan(url)}`);
      }
      if (Object.keys(event.urls).length === 0) output.line(`  ${style.dim("Nothing is deployed yet: troupe deploy")}`);
      output.line();
      output.line(`  ${style.green("➜")} ${style.bold(event.url)}  ${style.dim(`ready in ${event.ms} ms`)}`);
      if (event.httpsUrl) output.line(`  ${style.green("➜")} ${style.bold(event.httpsUrl)}`);
      output.line(`  ${style.dim("metrics")} ${event.controlUrl}/metrics`);
      output.line();
      if (event.ca) renderTrust(event.ca, output);
      return;
    }
    case "start":
      output.line(`${style.green("▶")} ${names(event.environments)} ${style.dim(`started in ${event.ms} ms`)}`);
      return;
    case "reload":
      output.line(
        `${style.green("↻")} ${names(event.environments)} ${style.dim(`live in ${event.ms} ms (${event.mode}${event.paused > 0 ? `, paused ${event.paused} ms` : ""})`)}`,
      );
      return;
    case "deployed":
      for (const { url, ...ref } of event.environments) {
        output.line(`${style.green("+")} ${names([ref])}${url ? `  ${style.cyan(url)}` : ""}`);
      }
      for (const ref of event.removed) output.line(`${style.yellow("-")} ${plain(ref)}`);
      return;
    case "start-error":
      for (const diagnostic of event.diagnostics) output.diagnostic(diagnostic);
      if (event.diagnostics.length === 0) {
        output.diagnostic({ severity: "error", code: "start", message: event.message });
      }
      output.note(style.dim(event.stale ? "What ran before keeps serving." : "It answers 502 until it can start."));
      return;
    case "stop":
      output.line(style.dim(`■ ${names(event.environments)} stopped (${event.why})`));
      return;
    case "crashed":
      output.diagnostic({
        severity: "error",
        code: "crashed",
        message: `${names(event.environments)}: ${event.message}`,
      });
      return;
    case "exit":
      return;
    case "request":
    case "log":
    case "exception":
    case "scheduled":
    case "queue":
    case "warning":
      renderDevEvent("service" in event ? { ...event, service: plain(event) } : event, output);
      return;
  }
}

function names(environments: readonly VersionRef[]): string {
  return environments.map((each) => `${plain(each)}/${each.version}`).join(", ");
}

/** `gateway`, `gateway@staging`. */
function plain({ service, environment }: EnvironmentRef): string {
  return environment === "production" ? service : `${service}@${environment}`;
}

function renderTrust(file: string, output: Output): void {
  output.note(`  To trust its certificates, once:`);
  output.note(`    curl             curl --cacert ${file} …`);
  output.note(`    Node             NODE_EXTRA_CA_CERTS=${file}`);
  output.note(
    `    Linux            sudo cp ${file} /usr/local/share/ca-certificates/troupe.crt && sudo update-ca-certificates`,
  );
  output.note(
    `    macOS            sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`,
  );
  output.note(`    Windows          certutil -addstore -f ROOT ${file}`);
  output.note(`    Firefox          Settings, Certificates, Authorities, Import`);
  output.note("");
}
