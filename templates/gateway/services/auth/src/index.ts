interface Env {
  AUTH_TOKEN: string;
}

export default {
  async fetch(request, env) {
    const token = request.headers.get("x-custom-token") ?? "";
    if (await sameSecret(token, env.AUTH_TOKEN)) return new Response("request allowed");
    return new Response("x-custom-token does not match, request not allowed", { status: 403 });
  },
} satisfies ExportedHandler<Env>;

/** Takes equally long whatever was sent: the time must not tell how much of a token was right. */
async function sameSecret(given: string, expected: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const [a, b] = await Promise.all(
    [given, expected].map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))),
  );
  return crypto.subtle.timingSafeEqual(a!, b!);
}
