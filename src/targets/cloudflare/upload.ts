/** Uploading the code of one Worker: as a version that waits to be deployed, or as one that is live at once. */
import type { Bundle, Environment, Module } from "../../model.ts";
import { type Annotations, readVersion } from "./annotations.ts";
import { uploadForm } from "./form.ts";
import { uploadHeaders } from "./metadata.ts";
import type { NetVersion, Network } from "./network.ts";

export interface Upload {
  environment: Environment;
  bundle: Bundle;
  metadata: Record<string, unknown>;
  /** Modules beside those of the bundle. */
  extra: Module[];
  about: string;
}

/** A version that nobody gets yet. The Worker must exist, and no migration may be pending. */
export async function uploadVersion(network: Network, upload: Upload): Promise<NetVersion> {
  const { environment, about } = upload;
  const { scriptName } = environment;
  const before = newest(await network.versions(scriptName));
  const headers = uploadHeaders(environment);
  return network.api.post<NetVersion>(`${network.script(scriptName)}/versions`, {
    query: { bindings_inherit: "strict" },
    body: formOf(upload),
    ...(headers && { headers }),
    about,
    landed: () => landedVersion(network, upload, before),
  });
}

/** Makes the Worker, or brings a migration: what is uploaded is live. @returns the version that came of it */
export async function uploadLive(network: Network, upload: Upload, exists: boolean): Promise<NetVersion> {
  const { environment, about } = upload;
  const { scriptName } = environment;
  const before = exists ? newest(await network.versions(scriptName)) : 0;
  const headers = uploadHeaders(environment);
  const landed = async (): Promise<NetVersion | undefined> => {
    if (!exists && !(await network.scripts()).has(scriptName)) return undefined;
    return landedVersion(network, upload, before);
  };
  await network.api.put<unknown>(network.script(scriptName), {
    query: { excludeScript: true, bindings_inherit: "strict" },
    body: formOf(upload),
    ...(headers && { headers }),
    about,
    landed,
  });
  const [version] = await network.versions(scriptName);
  if (!version) throw new Error(`the network lists no version of ${scriptName}, which was just uploaded`);
  return version;
}

function newest(versions: readonly NetVersion[]): number {
  return versions[0]?.number ?? 0;
}

/** An attempt without an answer may have made it. */
async function landedVersion(network: Network, { environment, metadata }: Upload, before: number) {
  const { fingerprint } = readVersion(metadata.annotations as Annotations);
  const versions = await network.versions(environment.scriptName);
  return versions.find(
    ({ number, annotations }) => number > before && readVersion(annotations).fingerprint === fingerprint,
  );
}

function formOf({ environment, bundle, metadata, extra }: Upload): FormData {
  return environment.main === undefined ? uploadForm(metadata, undefined) : uploadForm(metadata, bundle, extra);
}
