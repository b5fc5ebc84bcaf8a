/** Where bindings lead after a rename, in the store. */
import { expect, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { renameEnvironment } from "../../src/ops/environments.ts";
import { testFolder } from "../support/files.ts";
import { deployShop, secretsFile, selectionOf, shopFiles } from "./shop.ts";

test("says which bindings lead elsewhere now, and how they lead back", async () => {
  const at = selectionOf(testFolder(shopFiles("troupe")));
  await deployShop(at);
  const [gateway, auth] = ["gateway", "auth"].map((service) => ({ ...at, service: [service] }));
  expect((await renameEnvironment(gateway!, "staging", "stage")).warnings).toEqual([
    {
      severity: "warning",
      code: "leads-elsewhere",
      message: "The binding AUTH of gateway@stage leads to auth@production now, and no longer to auth@staging",
      notes: [expect.stringContaining("`troupe env rename staging stage --service auth`")],
    },
  ]);
  // Nothing binds it any more, so it may follow; then all is as it was.
  expect((await renameEnvironment(auth!, "staging", "stage")).warnings).toEqual([]);
  expect((await renameEnvironment(gateway!, "stage", "test")).warnings).toMatchObject([
    { message: "The binding AUTH of gateway@test leads to auth@production now, and no longer to auth@stage" },
  ]);
});

test("says so when a binding leads nowhere afterwards", async () => {
  const at = selectionOf(testFolder(shopFiles("troupe")));
  await deploy({ ...at, env: "staging", secretsFile: secretsFile("staging") });
  const { warnings } = await renameEnvironment({ ...at, service: ["gateway"] }, "staging", "stage");
  expect(warnings).toMatchObject([
    { message: "The binding AUTH of gateway@stage leads nowhere now, and no longer to auth@staging" },
  ]);
});
