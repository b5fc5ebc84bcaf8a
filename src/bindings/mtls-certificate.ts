/**
 * A client certificate that requests through this binding present. Locally it comes from PEM files beside the config: the
 * binding is a `fetch` into the network with that key pair. On Cloudflare's network it is an uploaded certificate.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { TroupeError } from "../errors.ts";
import type { Binding, Environment } from "../model.ts";
import type { BindingKind, LocalContext } from "./kind.ts";
import { bindingName, remote } from "./schema.ts";
import { bindUnavailable } from "./unavailable.ts";

const pem = z.string().min(1);

const entry = z.strictObject({
  binding: bindingName,
  certificate_id: z.string().min(1).optional().describe("The uploaded certificate, on Cloudflare's network."),
  certificate: pem
    .optional()
    .describe("PEM file of the certificate (with its chain), beside the config. Used locally."),
  private_key: pem.optional().describe("PEM file of the certificate's private key."),
  ca: pem.optional().describe("PEM file of the CA that signed the server's certificate, when it is a private one."),
  remote,
});

type Entry = z.infer<typeof entry>;
type Fault = { code: string; message: string; notes?: string[]; path?: (string | number)[] };

/** Faults of the files themselves. A file that is not there is none: another environment's key is rarely on this machine. */
function fileFaults(binding: Binding, environment: Environment): Fault[] {
  const files = binding.entry as Entry;
  const faults: Fault[] = [];
  const parse = <T>(
    field: "certificate" | "private_key" | "ca",
    what: string,
    read: (text: string) => T,
  ): T | undefined => {
    const file = files[field];
    if (file === undefined) return undefined;
    let text: string;
    try {
      text = readFileSync(resolve(environment.dir, file), "utf8");
    } catch {
      return undefined;
    }
    try {
      return read(text);
    } catch (cause) {
      const { message } = cause as Error;
      faults.push({
        code: "malformed-pem",
        message: `${file} holds no ${what} in PEM form.`,
        // What OpenSSL says of text that is no PEM at all is a number of its own.
        ...(!message.startsWith("error:") && { notes: [message] }),
        path: [field],
      });
      return undefined;
    }
  };
  const certificate = parse("certificate", "certificate", (text) => new X509Certificate(text));
  const key = parse("private_key", "unencrypted private key", (text) => createPrivateKey(text));
  parse("ca", "certificate", (text) => new X509Certificate(text));
  if (certificate && key && !certificate.checkPrivateKey(key)) {
    faults.push({
      code: "key-mismatch",
      message: `The private key ${files.private_key} does not belong to the certificate ${files.certificate}.`,
      notes: [`The certificate is for ${certificate.subject.replaceAll("\n", ", ")}. Use the key it was made with.`],
      path: ["private_key"],
    });
  }
  return faults;
}

/** The PEM files' contents; undefined, after a warning, when one of them cannot be read. */
function readFiles(
  binding: Binding,
  context: LocalContext,
): { certificate: string; key: string; ca?: string } | undefined {
  const files = binding.entry as Entry;
  try {
    return {
      certificate: context.readFile(files.certificate!),
      key: context.readFile(files.private_key!),
      ...(files.ca !== undefined && { ca: context.readFile(files.ca) }),
    };
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    const message = `env.${binding.name}: ${error.message}`;
    context.warn({ severity: "warning", code: "missing-certificate", message });
    bindUnavailable(context, binding.name, message);
    return undefined;
  }
}

const NO_FILES =
  "An uploaded certificate can be used on Cloudflare's network only: add `certificate` and `private_key` to present one locally.";

export const mtlsCertificate: BindingKind = {
  id: "mtls-certificate",
  title: "mTLS certificate",
  keys: [
    {
      path: ["mtls_certificates"],
      form: "list",
      nameField: "binding",
      entry,
      description: "Client certificates that `fetch` through the binding presents.",
    },
  ],
  state: "none",

  validate(binding, environment) {
    const { certificate_id, certificate, private_key } = binding.entry as Entry;
    if ((certificate === undefined) !== (private_key === undefined)) {
      const missing = certificate === undefined ? "certificate" : "private_key";
      return [{ code: "missing-field", message: `mTLS certificate "${binding.name}" needs \`${missing}\`, too.` }];
    }
    if (certificate === undefined && certificate_id === undefined) {
      return [
        {
          code: "missing-field",
          message: `mTLS certificate "${binding.name}" names no certificate.`,
          notes: [
            "Write `certificate` and `private_key` (PEM files), or `certificate_id` for Cloudflare's network, or both.",
          ],
        },
      ];
    }
    return fileFaults(binding, environment);
  },

  watch(binding, environment) {
    const { certificate, private_key, ca } = binding.entry as Entry;
    const files = [certificate, private_key, ca].filter((file) => file !== undefined);
    return { files: files.map((file) => resolve(environment.dir, file)) };
  },

  local(binding, context) {
    const files = binding.entry as Entry;
    if (files.certificate === undefined) {
      bindUnavailable(context, binding.name, `env.${binding.name}: ${NO_FILES}`);
      return;
    }
    const pems = readFiles(binding, context);
    if (!pems) return;
    context.bind(binding.name, {
      type: "network",
      // "local" is the machine itself: a server under development.
      allow: ["public", "private", "local"],
      tlsOptions: {
        keypair: { certificateChain: pems.certificate, privateKey: pems.key },
        trustBrowserCas: true,
        ...(pems.ca !== undefined && { trustedCertificates: [pems.ca] }),
      },
    });
  },

  upload(binding, context) {
    const { certificate_id } = binding.entry as Entry;
    return {
      name: binding.name,
      type: "mtls_certificate",
      certificate_id: certificate_id ?? context.resourceId(binding),
    };
  },

  type: () => "Fetcher",

  describe(binding) {
    const { certificate, certificate_id } = binding.entry as Entry;
    return certificate ?? certificate_id ?? "";
  },

  notLocalFor: (binding) => ((binding.entry as Entry).certificate === undefined ? NO_FILES : undefined),
};
