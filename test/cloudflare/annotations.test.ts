/** What troupe writes beside versions and deployments must be there again when it is read, whatever else there is to say. */
import { expect, test } from "vitest";
import {
  deploymentAnnotations,
  readDeployment,
  readVersion,
  type VersionMark,
  versionAnnotations,
} from "../../src/targets/cloudflare/annotations.ts";

const MARK: VersionMark = {
  contentHash: "c".repeat(64),
  fingerprint: "f".repeat(32),
  size: 123,
  action: "deploy",
  author: "Ann [x] <ann@example.test>",
  git: { commit: "a".repeat(40), branch: "feature/[1] 50%", dirty: true },
  tag: "v1",
  message: "faster prices [really]",
};

test("everything comes back", () => {
  expect(readVersion(versionAnnotations(MARK))).toEqual(MARK);
  const deployment = {
    message: "why\nnot",
    author: "王小明",
    action: "promote",
    operation: "0a",
    from: "a@b#3",
    bound: { "x@y": 2 },
  };
  expect(readDeployment(deploymentAnnotations({ ...deployment, action: "promote" }))).toEqual(deployment);
});

test.each([
  ["a long message", { message: "€".repeat(2000) }],
  ["a long author", { author: "王".repeat(400) }],
  [
    "a long branch",
    { git: { branch: "ü".repeat(240), commit: "b".repeat(40), dirty: false }, message: "m".repeat(990) },
  ],
  ["half a character", { message: "\ud83d", author: "\ud83d" }],
])("%s leaves room for what a version is known by", (_what, more) => {
  const annotations = versionAnnotations({ ...MARK, ...more }, { operation: "0a", bound: { "auth@production": 7 } });
  expect(Buffer.byteLength(annotations["workers/message"]!)).toBeLessThanOrEqual(1000);
  const { contentHash, fingerprint, size, action } = MARK;
  expect(readVersion(annotations)).toMatchObject({ contentHash, fingerprint, size, action });
});

test.each(["plain", "", "[troupe 100%]", "x [troupe a=%zz]", "[troupe", "[troupe code=1] more"])(
  "a message of somebody else's is one: %s",
  (message) => {
    expect(readVersion({ "workers/message": message })).toEqual(
      message === "[troupe 100%]" ? { message } : { message },
    );
  },
);
