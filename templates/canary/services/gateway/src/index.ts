interface Env {
  PRODUCTION: Fetcher;
  CANARY: Fetcher;
  /** 0 to 100; text when it was set on the command line. */
  CANARY_PERCENT: number | string;
}

/** These may be sent twice without doing harm: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2 */
const IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

export default {
  async fetch(request, env) {
    if (Math.random() * 100 >= Number(env.CANARY_PERCENT)) return answer("production", env.PRODUCTION, request);

    // A body can be read only once, so a request that may go out again needs a copy.
    const again = IDEMPOTENT.includes(request.method) ? request.clone() : undefined;
    const response = await answer("canary", env.CANARY, request);
    if (response.status < 500 || !again) return response;
    console.warn(`The canary failed with ${response.status} on ${request.method} ${request.url}`);
    return answer("production", env.PRODUCTION, again);
  },
} satisfies ExportedHandler<Env>;

async function answer(by: "production" | "canary", service: Fetcher, request: Request): Promise<Response> {
  // An exception in the other service arrives here as one; for a caller that is a failed answer like any other.
  const response = await service.fetch(request).catch((error) => new Response(String(error), { status: 502 }));
  const copy = new Response(response.body, response);
  copy.headers.set("x-served-by", by);
  return copy;
}
