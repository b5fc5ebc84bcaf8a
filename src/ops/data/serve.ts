/** The other side of `remote.ts`: does what is asked with the data of the running graph. */
import type { ControlRequest, ControlResponse } from "../../host/control.ts";
import type { DataCall } from "./connect.ts";
import { CALL_HEADER, VALUE_HEADER } from "./remote.ts";
import { verbOf } from "./verbs.ts";

/** @param bindingOf what code finds in `env` under a binding's name */
export async function answerData(
  request: ControlRequest,
  bindingOf: (call: DataCall) => Promise<unknown>,
): Promise<ControlResponse> {
  const head = JSON.parse(decodeURIComponent(String(request.headers[CALL_HEADER]))) as
    | DataCall
    | Omit<DataCall, "args">;
  const inBody = !("args" in head);
  const call: DataCall = inBody ? { ...head, args: JSON.parse(Buffer.from(request.body).toString("utf8")) } : head;
  const body = inBody || request.body.byteLength === 0 ? undefined : request.body;
  const verb = verbOf(call.kind, call.verb);
  const { value, bytes } = await verb(await bindingOf(call), call.args, body);
  if (!bytes) return { body: JSON.stringify({ value }) };
  const headers = {
    "content-type": "application/octet-stream",
    [VALUE_HEADER]: encodeURIComponent(JSON.stringify(value ?? null)),
  };
  return { body: bytes, headers };
}
