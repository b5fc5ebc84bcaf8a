/**
 * Adds to package-lock.json the optional packages for other platforms that `npm install` left out
 * (https://github.com/npm/cli/issues/4828, and registries that mirror a part only). `npm ci` refuses a lock without
 * them. Run it after every `npm install`; test/package/lock.test.ts says when it was forgotten. Prints what was missing;
 * with `--check` it changes nothing.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(await readFile(file, "utf8"));
const missing = missingOptional(lock.packages);
for (const [place, entry] of missing) lock.packages[place] = entry;
if (missing.length > 0 && !process.argv.includes("--check")) {
  const [root, ...others] = Object.entries(lock.packages);
  lock.packages = Object.fromEntries([root, ...others.sort(([a], [b]) => (a < b ? -1 : 1))]);
  await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
}
process.stdout.write(missing.map(([place, { version }]) => `${place} ${version}\n`).join(""));

function missingOptional(packages) {
  const found = new Map();
  for (const [from, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (isLocked(packages, from, name) || !/^\d/.test(version)) continue;
      const platform = platformOf(name);
      found.set(`node_modules/${name}`, { version, ...platform, ...(dev && { dev }), optional: true });
    }
  }
  return [...found];
}

/** Node's own search: beside the package that asks, or in a folder above it. */
function isLocked(packages, from, name) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
    if (packages[`${folder ? `${folder}/` : ""}node_modules/${name}`]) return true;
    if (folder === "") return false;
  }
}

/** What the package's own manifest would say: all of these name their platform. */
function platformOf(name) {
  const words = name.replace(/^@[^/]+\//, "").split(/[-.]/);
  const pick = (table) => Object.entries(table).find(([word]) => words.includes(word))?.[1];
  const os = pick({
    darwin: "darwin",
    linux: "linux",
    linuxmusl: "linux",
    win32: "win32",
    windows: "win32",
    android: "android",
    freebsd: "freebsd",
    openbsd: "openbsd",
    netbsd: "netbsd",
    openharmony: "openharmony",
    aix: "aix",
    sunos: "sunos",
    wasm32: "wasm32",
  });
  const cpu = pick({
    arm64: "arm64",
    x64: "x64",
    64: "x64",
    ia32: "ia32",
    arm: "arm",
    ppc64: "ppc64",
    riscv64: "riscv64",
    s390x: "s390x",
    loong64: "loong64",
    wasm32: "wasm32",
  });
  const libc = pick({ musl: "musl", linuxmusl: "musl", gnu: "glibc", gnueabihf: "glibc" });
  return { ...(cpu && { cpu: [cpu] }), ...(os && { os: [os] }), ...(libc && { libc: [libc] }) };
}
