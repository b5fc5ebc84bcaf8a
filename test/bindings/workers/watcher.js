/** Keeps what it is told as a tail consumer, both at the end of an invocation and while it goes on. */
export default {
  async tail(events, env) {
    for (const { logs } of events) {
      for (const { message } of logs) await env.HEARD.put(`tail:${message.join(" ")}`, "1");
    }
  },
  tailStream(_onset, env) {
    return {
      async log({ event }) {
        await env.HEARD.put(`stream:${[event.message].flat().join(" ")}`, "1");
      },
    };
  },
  async fetch(_, env) {
    return Response.json((await env.HEARD.list()).keys.map(({ name }) => name));
  },
};
