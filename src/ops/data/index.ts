/** Local data, as the commands use it. */
import { connectData, type DataConnection, type DataSelection } from "./connect.ts";
import { connectDeployed } from "./deployed.ts";
import type { VerbResult } from "./verbs.ts";

export type { DataSelection } from "./connect.ts";
export type { StatementResult } from "./d1.ts";
export { applyMigrations, createMigration, listMigrations, type MigrationList } from "./d1-migrations.ts";
export { importKeys } from "./kv-bulk.ts";
export type { ShownMessage } from "./queue.ts";
export { type BulkResult, exportBucket, importBucket } from "./r2-bulk.ts";

/** Where a data command worked: always said, so that nobody changes another environment's data unawares. */
export interface DataPlace {
  service: string;
  environment: string;
  binding: string;
  /** Id of the resource. */
  resource: string;
}

/**
 * Does one thing with the data of one binding.
 * @throws what `connectData` or `connectDeployed`, and the verb throw
 */
export function runData(
  selection: DataSelection,
  kind: string,
  name: string,
  call: { verb: string; args?: Record<string, unknown>; body?: Uint8Array },
): Promise<VerbResult & { place: DataPlace }> {
  return withData(selection, kind, name, async (connection) => ({
    ...(await connection.run(call.verb, call.args, call.body)),
    place: placeOf(connection),
  }));
}

/** Opens the data of a binding for `work`, and closes it afterwards. */
export async function withData<T>(
  selection: DataSelection,
  kind: string,
  name: string,
  work: (connection: DataConnection) => Promise<T>,
): Promise<T> {
  const connect = selection.deployed ? connectDeployed : connectData;
  const connection = await connect(selection, kind, name);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Whose data a connection is about, as results name it. */
export function placeOf({ environment, binding }: DataConnection): DataPlace {
  const resource = binding.resource?.id ?? binding.name;
  return { service: environment.service, environment: environment.name, binding: binding.name, resource };
}
