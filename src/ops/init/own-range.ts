/** How a new project gets the troupe that makes it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { packageFolder, VERSION } from "../../package.ts";

/** A tarball or folder of this machine, as package managers write it. */
const LOCAL = /^(?:file:|link:|portal:)|^\.{1,2}\/|^\/|^[A-Za-z]:[\\/]/;

/**
 * What to write for `troupe` in a package.json: this version, or, when it was installed from a tarball or a URL that no
 * registry has, from there.
 * @param dir absolute folder of the new project
 * @param own absolute folder of the package that runs
 */
export function ownRange(dir: string, own = packageFolder()): string {
  const published = `^${VERSION}`;
  const [root, ...inside] = own.split(`${path.sep}node_modules${path.sep}`);
  if (inside.length === 0) return published;
  const range = wantedBy(root!);
  if (range === undefined) return published;
  if (LOCAL.test(range)) {
    const scheme = /^(?:file|link|portal):/.exec(range)?.[0] ?? "file:";
    const target = path.resolve(root!, range.slice(range.startsWith(scheme) ? scheme.length : 0));
    return scheme + (path.relative(dir, target).split(path.sep).join("/") || ".");
  }
  return /^(?:https?|git|git\+\w+|github):/.test(range) ? range : published;
}

/** What the package.json of a folder asks for. */
function wantedBy(root: string): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Record<
      string,
      Record<string, string> | undefined
    >;
    return manifest.devDependencies?.troupe ?? manifest.dependencies?.troupe;
  } catch {
    return undefined;
  }
}
