/** What every target must do, asked through the operations that the commands use. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { diffEnvironments } from "../../src/ops/diff.ts";
import {
  cloneEnvironment,
  createEnvironment,
  deleteEnvironment,
  listEnvironments,
  promoteEnvironment,
  protectEnvironment,
  renameEnvironment,
  rollback,
  showEnvironment,
} from "../../src/ops/environments.ts";
import { diffVersions, listDeployments, listVersions, pipeline, showVersion } from "../../src/ops/history.ts";
import { deleteSecrets, listSecrets, putSecrets } from "../../src/ops/secrets.ts";
import { changeSettings } from "../../src/ops/settings.ts";
import type { TargetSelection } from "../../src/ops/target.ts";
import { makeFolder, removeFolder, testFolder } from "../support/files.ts";
import {
  ask,
  changedIn,
  type Dialect,
  deployShop,
  resourcesOf,
  SECRETS,
  secretsFile,
  selectionOf,
  serviceFile,
  shopFiles,
  snapshot,
  varsOf,
} from "./shop.ts";

export interface SuiteOptions {
  dialects: readonly Dialect[];
  /**
   * What chooses the target, over the folder's own.
   * @param template the folder that it is a copy of, with all that was deployed from it; absent: nothing was deployed yet
   */
  selection?(cwd: string, template?: string): Partial<TargetSelection>;
  /** Where an environment is reached. Default: below `localhost`. */
  hostname?(service: string, environment: string): string;
  /**
   * The dialect in which every change is tried before it is made, as for users. That takes most of a change's time, and what is
   * tried is the same in all dialects: in the others only what is about it. Absent: it makes no difference.
   */
  tried?: Dialect;
  /** It never tells values of secrets, nor anything made of them: a clone must be given them. */
  hidesSecrets?: boolean;
}

function localHostname(service: string, environment: string): string {
  return environment === "production" ? `${service}.localhost` : `${environment}--${service}.localhost`;
}

/** Runs against a target that is empty and the folder's own. */
export function targetSuite(name: string, options: SuiteOptions): void {
  const { hostname = localHostname, hidesSecrets = false, tried } = options;
  const cloning = hidesSecrets ? { secretsFile: secretsFile("staging") } : {};
  describe.each(options.dialects)(`${name}: services in the dialect of %s`, (dialect) => {
    let template: string;
    let cwd: string;
    let at: TargetSelection;
    const gateway = () => ({ ...at, service: ["gateway"] });
    const auth = () => ({ ...at, service: ["auth"] });
    const edit = (service: string, change: (text: string) => string) => {
      const file = serviceFile(cwd, service);
      writeFileSync(file, change(readFileSync(file, "utf8")));
    };
    const untried = tried === undefined || tried === dialect ? {} : { trial: async () => {} };
    const version = (service: string, environment: string, number?: number) =>
      ask(at, (target) => target.version({ service, environment }, number));

    beforeAll(async () => {
      template = makeFolder(shopFiles(dialect));
      await deployShop({ ...selectionOf(template), ...options.selection?.(template) });
    });
    afterAll(() => removeFolder(template));

    beforeEach(() => {
      cwd = testFolder();
      cpSync(template, cwd, { recursive: true });
      at = { ...selectionOf(cwd), ...untried, ...options.selection?.(cwd, template) };
    });

    describe("deploy", () => {
      test("lists what is there, with hostname and version", async () => {
        const list = await listEnvironments(at);
        expect(list.map((each) => [each.service, each.name, each.hostname, each.version, each.protected])).toEqual([
          ["auth", "production", hostname("auth", "production"), 1, false],
          ["auth", "staging", hostname("auth", "staging"), 1, false],
          ["gateway", "production", hostname("gateway", "production"), 1, false],
          ["gateway", "staging", hostname("gateway", "staging"), 1, false],
        ]);
      });

      test("makes no version of what is active already", async () => {
        const before = await snapshot(at);
        const { results } = await deploy({ ...at, env: "staging" });
        expect(results.map(({ service, version: number, changed }) => [service, number, changed])).toEqual([
          ["auth", 1, false],
          ["gateway", 1, false],
        ]);
        expect(await snapshot(at)).toEqual(before);
      });

      test("makes one of what is different, dependencies first, and keeps the old one", async () => {
        edit("gateway", (text) => `${text}// a comment is no change\n`);
        edit("auth", (text) => text.replace("SESSIONS.put", "SESSIONS.delete"));
        const report = await deploy({ ...at, env: "staging", tag: "v2", message: "faster" });
        expect(report.results.map(({ changes }) => changes)).toEqual([["code"], []]);
        expect(changedIn(report)).toEqual(["auth@staging 2"]);
        const { versions } = await listVersions({ ...auth(), env: "staging" });
        expect(
          versions.map(({ number, active, source, tag, message }) => [number, active, source, tag, message]),
        ).toEqual([
          [2, true, "deploy", "v2", "faster"],
          [1, false, "deploy", undefined, undefined],
        ]);
        expect(versions[0]!.contentHash).not.toBe(versions[1]!.contentHash);
        const old = await ask(at, (target) => target.bundle({ service: "auth", environment: "staging" }, 1));
        expect(Buffer.from(old.modules[0]!.contents).toString()).toContain("SESSIONS.put");
      });

      test("--dry-run says the same and changes nothing", async () => {
        edit("auth", (text) => text.replace("SESSIONS.put", "SESSIONS.delete"));
        const before = await snapshot(at);
        const dry = await deploy({ ...at, env: "staging", dryRun: true });
        expect(await snapshot(at)).toEqual(before);
        const real = await deploy({ ...at, env: "staging" });
        expect(real.results).toEqual(dry.results);
      });

      test("records the versions of what is bound at that moment", async () => {
        edit("auth", (text) => text.replace("SESSIONS.put", "SESSIONS.delete"));
        edit("gateway", (text) => text.replace("GREETING +", "GREETING + '!' +"));
        await deploy({ ...at, env: "staging" });
        const [newest, second] = await listDeployments({ ...at, env: "staging" });
        expect(newest).toMatchObject({
          service: "gateway",
          version: 2,
          action: "deploy",
          bound: { "auth@staging": 2 },
        });
        expect(second).toMatchObject({ service: "auth", version: 2, operation: newest!.operation, bound: {} });
      });

      test("code that throws at its start changes nothing", async () => {
        edit("gateway", (text) => text.replace("GREETING +", "GREETING + '!' +"));
        edit("auth", (text) => `throw new Error("not today");\n${text}`);
        const before = await snapshot(at);
        await expect(deploy({ ...at, trial: undefined, env: "staging" })).rejects.toMatchObject({
          code: "START",
          message: expect.stringContaining("not today"),
        });
        expect(await snapshot(at)).toEqual(before);
      });

      test("a secret that the code needs and that has no value refuses all of it", async () => {
        const before = await snapshot(at);
        await expect(deploy({ ...at, env: "pr-1", create: true })).rejects.toMatchObject({
          code: "PRECONDITION",
          message: expect.stringContaining("auth@pr-1: the code needs the secret TOKEN"),
        });
        expect(await snapshot(at)).toEqual(before);
      });

      test("--create makes the environment, --from says what it starts from", async () => {
        const { results } = await deploy({ ...gateway(), env: "pr-1", create: true, from: "staging" });
        expect(results).toMatchObject([{ service: "gateway", environment: "pr-1", version: 1, changed: true }]);
        expect(await varsOf(at, "gateway", "pr-1")).toEqual({ GREETING: "hello from staging" });
        await deploy({ ...gateway(), env: "pr-2", create: true });
        expect(await varsOf(at, "gateway", "pr-2")).toEqual({ GREETING: "hello" });
        expect(changedIn(await deploy({ ...gateway(), env: "pr-1" }))).toEqual([]);
      });
    });

    describe("clone", () => {
      test("has the same code byte for byte, the settings and secrets, and editions of its own", async () => {
        const report = await cloneEnvironment({ ...auth(), ...cloning }, "staging", "pr-1");
        expect(changedIn(report)).toEqual(["auth@pr-1 1"]);
        const [from, to] = [await version("auth", "staging"), await version("auth", "pr-1")];
        expect(to.contentHash).toBe(from.contentHash);
        const [a, b] = await Promise.all(
          ["staging", "pr-1"].map((environment) =>
            ask(at, (target) => target.bundle({ service: "auth", environment })),
          ),
        );
        expect(b).toEqual(a);
        expect(await varsOf(at, "auth", "pr-1")).toEqual({ REALM: "test" });
        expect(to.secrets).toEqual(from.secrets);
        expect(JSON.stringify([report, to])).not.toContain(SECRETS.staging);
        const ids = [await resourcesOf(at, "auth", "pr-1"), await resourcesOf(at, "auth", "staging")];
        expect(ids[0]!.SESSIONS).toMatch(/@pr-1$/);
        expect(ids[0]).not.toEqual(ids[1]);
        expect((await showEnvironment(auth(), "staging")).secrets).toHaveLength(1);
      });

      test("with --data share uses the resources of the first, also after the next deploy and a rename", async () => {
        await cloneEnvironment({ ...auth(), ...cloning, data: "share" }, "staging", "pr-1");
        const shared = await resourcesOf(at, "auth", "staging");
        expect(await resourcesOf(at, "auth", "pr-1")).toEqual(shared);
        edit("auth", (text) => `${text}\nglobalThis.more = 1;\n`);
        await deploy({ ...auth(), env: "pr-1" });
        expect(await resourcesOf(at, "auth", "pr-1")).toEqual(shared);
        await renameEnvironment({ ...auth(), force: true }, "staging", "stage");
        await changeSettings(auth(), "pr-1", { set: [["vars.MORE", "yes"]] });
        expect(await resourcesOf(at, "auth", "pr-1")).toEqual(shared);
      });

      test("with --graph takes what is bound along, as one operation", async () => {
        const report = await cloneEnvironment({ ...gateway(), ...cloning, graph: true }, "staging", "pr-1");
        expect(changedIn(report)).toEqual(["auth@pr-1 1", "gateway@pr-1 1"]);
        const [newest, second] = await listDeployments({ ...at, env: "pr-1" });
        expect(newest!.operation).toBe(second!.operation);
        expect(newest).toMatchObject({
          action: "clone",
          from: { service: "gateway", environment: "staging", version: 1 },
          bound: { "auth@pr-1": 1 },
        });
      });

      test("of one that the config does not mention has its settings", async () => {
        await deploy({ ...gateway(), env: "pr-1", create: true });
        await changeSettings(gateway(), "pr-1", { set: [["vars.GREETING", "hey"]] });
        await cloneEnvironment({ ...gateway(), ...cloning }, "pr-1", "pr-2");
        expect(await varsOf(at, "gateway", "pr-2")).toEqual({ GREETING: "hey" });
      });

      test("a clone of a clone has the settings of the clone", async () => {
        await cloneEnvironment({ ...gateway(), ...cloning }, "staging", "pr-1");
        await changeSettings(gateway(), "pr-1", { set: [["vars.EXTRA", "1x"]] });
        await cloneEnvironment({ ...gateway(), ...cloning }, "pr-1", "pr-2");
        expect(await varsOf(at, "gateway", "pr-2")).toEqual({ GREETING: "hello from staging", EXTRA: "1x" });
      });

      test("refuses a name that exists, and bad names", async () => {
        const before = await snapshot(at);
        await expect(cloneEnvironment({ ...auth(), ...cloning }, "staging", "production")).rejects.toMatchObject({
          code: "CONFLICT",
        });
        for (const bad of [
          "constructor",
          "__proto__",
          "Ünicode",
          "..",
          "a".repeat(64),
          "UPPER",
          "",
          "-x",
          "a/b",
          "a b",
        ]) {
          await expect(cloneEnvironment({ ...auth(), ...cloning }, "staging", bad), bad).rejects.toMatchObject({
            code: "USAGE",
          });
        }
        await expect(cloneEnvironment({ ...auth(), ...cloning }, "nowhere", "pr-1")).rejects.toMatchObject({
          code: "NOT_FOUND",
        });
        expect(await snapshot(at)).toEqual(before);
      });

      test("a clone whose clone of something bound exists already changes nothing", async () => {
        await cloneEnvironment({ ...auth(), ...cloning }, "staging", "pr-1");
        const before = await snapshot(at);
        await expect(
          cloneEnvironment({ ...gateway(), ...cloning, graph: true }, "staging", "pr-1"),
        ).rejects.toMatchObject({
          code: "CONFLICT",
          message: expect.stringContaining("auth@pr-1"),
        });
        expect(await snapshot(at)).toEqual(before);
      });
    });

    describe("promote", () => {
      const change = async () => {
        edit("auth", (text) => text.replace("SESSIONS.put", "SESSIONS.delete"));
        edit("gateway", (text) => text.replace("GREETING +", "GREETING + '!' +"));
        await deploy({ ...at, env: "staging" });
      };

      test("brings the same bytes, and leaves vars, secrets and resources", async () => {
        await change();
        const before = {
          vars: await varsOf(at, "auth", "production"),
          ids: await resourcesOf(at, "auth", "production"),
        };
        const secrets = (await version("auth", "production")).secrets;
        expect(changedIn(await promoteEnvironment(auth(), "staging", "production"))).toEqual(["auth@production 2"]);
        const [from, to] = [await version("auth", "staging"), await version("auth", "production")];
        expect(to.contentHash).toBe(from.contentHash);
        expect(to.modules).toEqual(from.modules);
        expect(await varsOf(at, "auth", "production")).toEqual(before.vars);
        expect(await resourcesOf(at, "auth", "production")).toEqual(before.ids);
        expect(to.secrets).toEqual(secrets);
        if (!hidesSecrets) expect(to.secrets).not.toEqual(from.secrets);
        expect(await listDeployments({ ...auth(), env: "production" }, 1)).toMatchObject([
          { action: "promote", from: { service: "auth", environment: "staging", version: 2 } },
        ]);
      });

      test("goes to the next stage when none is named, and says so when there is none", async () => {
        await change();
        expect(changedIn(await promoteEnvironment(gateway(), "staging"))).toEqual(["gateway@production 2"]);
        await expect(promoteEnvironment(gateway(), "production")).rejects.toMatchObject({ code: "USAGE" });
      });

      test("with --graph promotes all of it, or nothing", async () => {
        await change();
        const before = await snapshot(at);
        expect(changedIn(await promoteEnvironment({ ...gateway(), graph: true, dryRun: true }, "staging"))).toEqual([
          "auth@production 2",
          "gateway@production 2",
        ]);
        await deleteSecrets({ ...auth(), env: "production" }, ["TOKEN"]).catch(() => {});
        expect(await snapshot(at)).toEqual(before);
        const report = await promoteEnvironment({ ...gateway(), graph: true }, "staging");
        expect(changedIn(report)).toEqual(["auth@production 2", "gateway@production 2"]);
        const { services } = await pipeline(at);
        expect(services.flatMap(({ stages }) => stages.filter(({ promotable }) => promotable))).toEqual([]);
      });

      test("names every secret that is lacking, and changes nothing", async () => {
        await putSecrets({ ...auth(), env: "staging" }, { EXTRA: "one", OTHER: "two" });
        const before = await snapshot(at);
        const failure = await promoteEnvironment({ ...gateway(), graph: true }, "staging").catch((error) => error);
        expect(failure).toMatchObject({ code: "PRECONDITION" });
        expect(failure.message).toContain("the secret EXTRA (auth@production)");
        expect(failure.message).toContain("the secret OTHER (auth@production)");
        expect(await snapshot(at)).toEqual(before);
      });

      test("names every binding that is lacking", async () => {
        const file = serviceFile(cwd, "auth", dialect === "troupe" ? "troupe.toml" : "wrangler.jsonc");
        const config = readFileSync(file, "utf8");
        if (dialect === "troupe") writeFileSync(file, `${config}\n[[env.staging.kv_namespaces]]\nbinding = "FLAGS"\n`);
        else {
          const parsed = JSON.parse(config);
          parsed.env.staging.kv_namespaces.push({ binding: "FLAGS", id: "flags" });
          writeFileSync(file, JSON.stringify(parsed));
        }
        expect(changedIn(await deploy({ ...auth(), env: "staging" }))).toEqual(["auth@staging 2"]);
        const before = await snapshot(at);
        await expect(promoteEnvironment({ ...gateway(), graph: true }, "staging")).rejects.toMatchObject({
          code: "PRECONDITION",
          message: expect.stringContaining("the kv binding FLAGS (auth@production)"),
        });
        expect(await snapshot(at)).toEqual(before);
      });

      test("makes no version when the target has the same", async () => {
        expect(changedIn(await promoteEnvironment(auth(), "staging", "production"))).toEqual([]);
      });

      test("is what a protected environment takes, when a deploy is refused", async () => {
        await change();
        await protectEnvironment(auth(), "production", true);
        const before = await snapshot(at);
        await expect(deploy({ ...auth(), env: "production" })).rejects.toMatchObject({ code: "PROTECTED" });
        expect(await snapshot(at)).toEqual(before);
        expect(changedIn(await promoteEnvironment(auth(), "staging"))).toEqual(["auth@production 2"]);
        await protectEnvironment(auth(), "production", false);
        edit("auth", (text) => `${text}\nglobalThis.more = 1;\n`);
        expect(changedIn(await deploy({ ...auth(), env: "production" }))).toEqual(["auth@production 3"]);
      });

      test("into an environment that is nowhere is refused", async () => {
        await expect(promoteEnvironment(auth(), "staging", "qa")).rejects.toMatchObject({ code: "NOT_FOUND" });
        await expect(promoteEnvironment(auth(), "staging", "staging")).rejects.toMatchObject({ code: "USAGE" });
        await createEnvironment(gateway(), "qa", { base: "staging" });
        expect(changedIn(await promoteEnvironment(gateway(), "staging", "qa"))).toEqual([
          expect.stringMatching(/^gateway@qa \d$/),
        ]);
        expect(await varsOf(at, "gateway", "qa")).toEqual({ GREETING: "hello from staging" });
      });
    });

    describe("rollback", () => {
      test("brings back code, vars and secrets of that version", async () => {
        const first = await version("auth", "staging");
        await putSecrets({ ...auth(), env: "staging" }, { TOKEN: "another-value" });
        await changeSettings(auth(), "staging", { set: [["vars.REALM", "other"]] });
        edit("auth", (text) => text.replace("SESSIONS.put", "SESSIONS.delete"));
        await deploy({ ...auth(), env: "staging" });
        const report = await rollback({ ...auth(), env: "staging" }, 1);
        expect(report.results).toMatchObject([{ version: 1, previous: 4, changed: true }]);
        const now = await version("auth", "staging");
        expect(now).toEqual({ ...first, active: true });
        expect(await varsOf(at, "auth", "staging")).toEqual({ REALM: "test" });
        const { secrets } = await listSecrets({ ...auth(), env: "staging" });
        expect(
          Object.fromEntries(secrets.map(({ name: secret, fingerprint }) => [secret, fingerprint ?? "?"])),
        ).toEqual(first.secrets);
        const numbers = (await listVersions({ ...auth(), env: "staging" })).versions.map(({ number }) => number);
        expect(numbers).toEqual([4, 3, 2, 1]);
      });

      test("without a number goes to what was active before; the next version has a number of its own", async () => {
        edit("auth", (text) => text.replace("SESSIONS.put", "SESSIONS.delete"));
        await deploy({ ...auth(), env: "staging" });
        expect(changedIn(await rollback({ ...auth(), env: "staging" }))).toEqual(["auth@staging 1"]);
        const dry = await deploy({ ...auth(), env: "staging", dryRun: true });
        const real = await deploy({ ...auth(), env: "staging" });
        expect(changedIn(real)).toEqual(["auth@staging 3"]);
        expect(dry.results).toEqual(real.results);
      });

      test("to nothing is refused", async () => {
        const before = await snapshot(at);
        await expect(rollback({ ...auth(), env: "staging" })).rejects.toMatchObject({ code: "PRECONDITION" });
        await expect(rollback({ ...auth(), env: "staging" }, 9)).rejects.toMatchObject({ code: "NOT_FOUND" });
        await expect(rollback({ ...auth(), env: "nowhere" })).rejects.toMatchObject({ code: "NOT_FOUND" });
        expect(await snapshot(at)).toEqual(before);
      });
    });

    describe("settings and secrets", () => {
      test("set is a version, kept by later deploys and clones; unset takes it back", async () => {
        const set = await changeSettings(gateway(), "staging", { set: [["vars.GREETING", "hey"]] });
        expect(set.results).toMatchObject([{ version: 2, changed: true, changes: ["var GREETING"] }]);
        edit("gateway", (text) => `${text}\nglobalThis.more = 1;\n`);
        await deploy({ ...gateway(), env: "staging" });
        expect(await varsOf(at, "gateway", "staging")).toEqual({ GREETING: "hey" });
        await cloneEnvironment({ ...gateway(), ...cloning }, "staging", "pr-1");
        expect(await varsOf(at, "gateway", "pr-1")).toEqual({ GREETING: "hey" });
        await changeSettings(gateway(), "staging", { unset: ["vars.GREETING"] });
        expect(await varsOf(at, "gateway", "staging")).toEqual({ GREETING: "hello from staging" });
        expect((await showEnvironment(gateway(), "staging")).settings).toEqual({});
        await expect(changeSettings(gateway(), "staging", { unset: ["vars.NONE"] })).rejects.toMatchObject({
          code: "NOT_FOUND",
        });
        await expect(changeSettings(gateway(), "staging", { set: [["main", "1"]] })).rejects.toMatchObject({
          code: "CONFIG",
        });
      });

      test.skipIf(hidesSecrets)("a secret is a version, and none when its value is the same", async () => {
        const put = (value: string) => putSecrets({ ...auth(), env: "staging" }, { EXTRA: value });
        expect((await put("one")).results).toMatchObject([{ version: 2, changed: true, changes: ["secret EXTRA"] }]);
        expect((await put("one")).results).toMatchObject([{ version: 2, changed: false }]);
        expect((await put("two")).results).toMatchObject([{ version: 3, changed: true }]);
        const deleted = await deleteSecrets({ ...auth(), env: "staging" }, ["EXTRA"]);
        expect(deleted.results).toMatchObject([{ version: 4, changed: true }]);
        await expect(deleteSecrets({ ...auth(), env: "staging" }, ["EXTRA"])).rejects.toMatchObject({
          code: "NOT_FOUND",
        });
        // Many at once: each is a version, none is lost.
        const names = Array.from({ length: 6 }, (_, index) => `S${index}`);
        await Promise.all(names.map((each) => putSecrets({ ...auth(), env: "staging" }, { [each]: "x" })));
        const after = await version("auth", "staging");
        expect(Object.keys(after.secrets).sort()).toEqual([...names, "TOKEN"]);
        expect(after.number).toBe(4 + names.length);
        // The code needs it.
        await expect(deleteSecrets({ ...auth(), env: "staging" }, ["TOKEN"])).rejects.toMatchObject({
          code: "PRECONDITION",
        });
        for (const bad of ["A-B", "", "1A", "a b"]) {
          await expect(putSecrets({ ...auth(), env: "staging" }, { [bad]: "x" })).rejects.toMatchObject({
            code: "USAGE",
          });
        }
      });
    });

    test.runIf(hidesSecrets)("a secret is a version, whatever its value was", async () => {
      const put = (value: string) => putSecrets({ ...auth(), env: "staging" }, { EXTRA: value });
      expect((await put("one")).results).toMatchObject([{ version: 2, changed: true, changes: ["secret EXTRA"] }]);
      expect((await put("two")).results).toMatchObject([{ version: 3, changed: true }]);
      const deleted = await deleteSecrets({ ...auth(), env: "staging" }, ["EXTRA"]);
      expect(deleted.results).toMatchObject([{ version: 4, changed: true }]);
      expect(Object.keys((await version("auth", "staging")).secrets)).toEqual(["TOKEN"]);
      for (const name of ["EXTRA", "NONE"]) {
        await expect(deleteSecrets({ ...auth(), env: "staging" }, [name])).rejects.toMatchObject({ code: "NOT_FOUND" });
      }
      await expect(deleteSecrets({ ...auth(), env: "staging" }, ["TOKEN"])).rejects.toMatchObject({
        code: "PRECONDITION",
      });
    });

    describe("rename, delete, protect", () => {
      test("are refused when others bind it, naming them", async () => {
        const before = await snapshot(at);
        const notes = expect.arrayContaining([expect.stringContaining("gateway@staging as AUTH")]);
        await expect(renameEnvironment(auth(), "staging", "stage")).rejects.toMatchObject({
          code: "PRECONDITION",
          notes,
        });
        await expect(deleteEnvironment(auth(), "staging")).rejects.toMatchObject({ code: "PRECONDITION", notes });
        expect(await snapshot(at)).toEqual(before);
        await deleteEnvironment({ ...auth(), force: true }, "staging");
        expect((await listEnvironments(auth())).map((each) => each.name)).toEqual(["production"]);
      });

      test("renaming keeps the data, versions and settings, and moves the hostname", async () => {
        const before = { ids: await resourcesOf(at, "auth", "staging"), vars: await varsOf(at, "auth", "staging") };
        const { environment, warnings } = await renameEnvironment({ ...auth(), force: true }, "staging", "stage");
        expect(warnings).toEqual([]);
        expect(environment).toMatchObject({ name: "stage", hostname: hostname("auth", "stage"), version: 1 });
        expect(await resourcesOf(at, "auth", "stage")).toEqual(before.ids);
        edit("auth", (text) => `${text}\nglobalThis.more = 1;\n`);
        expect(changedIn(await deploy({ ...auth(), env: "stage" }))).toEqual(["auth@stage 2"]);
        expect(await resourcesOf(at, "auth", "stage")).toEqual(before.ids);
        expect(await varsOf(at, "auth", "stage")).toEqual(before.vars);
        // A new one of the old name has data of its own.
        await putSecrets({ ...auth(), env: "staging" }, { TOKEN: "x" });
        await deploy({ ...auth(), env: "staging" });
        expect(await resourcesOf(at, "auth", "stage")).toEqual(before.ids);
      });

      test("renaming to a name that is taken, production, and bad names are refused", async () => {
        const before = await snapshot(at);
        await expect(renameEnvironment(gateway(), "staging", "production")).rejects.toMatchObject({ code: "CONFLICT" });
        await expect(renameEnvironment(gateway(), "production", "live")).rejects.toMatchObject({
          code: "PRECONDITION",
        });
        await expect(renameEnvironment(gateway(), "staging", "Not A Name")).rejects.toMatchObject({ code: "USAGE" });
        await expect(renameEnvironment(gateway(), "nowhere", "there")).rejects.toMatchObject({ code: "NOT_FOUND" });
        expect(await snapshot(at)).toEqual(before);
      });

      test("deleting a graph is all or nothing", async () => {
        await cloneEnvironment({ ...gateway(), ...cloning, graph: true }, "staging", "pr-1");
        await protectEnvironment(auth(), "pr-1", true);
        const before = await snapshot(at);
        await expect(deleteEnvironment({ ...at, graph: true }, "pr-1")).rejects.toMatchObject({ code: "PROTECTED" });
        expect(await snapshot(at)).toEqual(before);
        await protectEnvironment(auth(), "pr-1", false);
        await deleteEnvironment({ ...at, graph: true }, "pr-1");
        expect((await listEnvironments(at)).filter((each) => each.name === "pr-1")).toEqual([]);
      });
    });

    test("deleting a graph takes along what nothing was deployed to yet", async () => {
      await createEnvironment(gateway(), "pr-2", {});
      await createEnvironment(auth(), "pr-2", {});
      await deleteEnvironment({ ...at, graph: true }, "pr-2");
      expect((await listEnvironments(at)).filter((each) => each.name === "pr-2")).toEqual([]);
    });

    describe("looking", () => {
      test("diff tells code, vars and secrets apart, and no difference from one", async () => {
        const [report] = await diffEnvironments(auth(), "staging", "production");
        expect(
          report!.differences.filter(({ kind }) => kind !== "binding").map(({ kind, name: what }) => [kind, what]),
        ).toEqual([["var", "REALM"], ...(hidesSecrets ? [] : [["secret", "TOKEN"]])]);
        await cloneEnvironment({ ...auth(), ...cloning }, "staging", "pr-1");
        const [same] = await diffEnvironments(auth(), "staging", "pr-1");
        expect(same!.differences).toEqual([]);
        edit("auth", (text) => `${text}\nglobalThis.more = 1;\n`);
        await deploy({ ...auth(), env: "pr-1" });
        const { differences } = await diffVersions({ ...auth(), env: "pr-1" }, 1);
        expect(differences).toMatchObject([{ kind: "code" }]);
      });

      test("the active version has everything that makes it, and no value of a secret", async () => {
        const shown = await showVersion({ ...auth(), env: "staging" });
        expect(shown).toMatchObject({
          ref: { service: "auth", environment: "staging" },
          number: 1,
          active: true,
          modules: [{ name: "index.js", type: "esm" }, { type: "sourcemap" }],
          secrets: { TOKEN: expect.stringMatching(hidesSecrets ? /^\?$/ : /^[0-9a-f]+$/) },
        });
        expect(JSON.stringify(await snapshot(at))).not.toMatch(/t0ken/);
      });

      test("what there is not is named with what there is", async () => {
        for (const [look, names] of [
          [() => showVersion({ ...auth(), env: "staging" }, 7), /no version 7/],
          [() => showEnvironment(auth(), "stagign"), /auth@stagign/],
          [() => listVersions({ ...at, service: ["nobody"], env: "staging" }), /nobody@staging/],
          [() => deploy({ ...at, env: "stagign" }), /"stagign"/],
          [() => deploy({ ...at, service: ["nobody"] }), /"nobody"/],
        ] as const) {
          await expect(look()).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringMatching(names) });
        }
      });

      test.skipIf(options.selection)("what was never deployed has no store", async () => {
        const empty = testFolder(shopFiles(dialect));
        const selection = { ...selectionOf(empty), ...options.selection?.(empty) };
        rmSync(`${empty}/.troupe`, { recursive: true, force: true });
        await expect(listEnvironments(selection)).rejects.toMatchObject({ code: "NOT_FOUND" });
      });
    });
  });
}
