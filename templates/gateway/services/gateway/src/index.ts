interface Env {
  AUTH: Fetcher;
}

export default {
  async fetch(request, env) {
    // The headers are enough for auth; the body stays unread, for the code below.
    const verdict = await env.AUTH.fetch("https://auth/", { headers: request.headers });
    if (!verdict.ok) return verdict;

    const { pathname } = new URL(request.url);
    return new Response(`You may see ${pathname}\n`);
  },
} satisfies ExportedHandler<Env>;
