interface Env {
  GREETING: string;
}

export default {
  fetch(request, env) {
    const name = new URL(request.url).searchParams.get("name") ?? "World";
    return new Response(`${env.GREETING}, ${name}!\n`);
  },
} satisfies ExportedHandler<Env>;
