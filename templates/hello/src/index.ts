// Env comes from worker-configuration.d.ts; "npm run types" writes it anew after a change of troupe.toml.
export default {
  fetch(request, env) {
    const name = new URL(request.url).searchParams.get("name") ?? "World";
    return new Response(`${env.GREETING}, ${name}!\n`);
  },
} satisfies ExportedHandler<Env>;
