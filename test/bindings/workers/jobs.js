/** Consumes two queues: the jobs, and what is left of them after too many retries. */
export default {
  async queue(batch, env) {
    for (const message of batch.messages) {
      const { text } = message.body;
      if (batch.queue.includes("dead")) await env.SEEN.put(`dead:${text}`, String(message.attempts));
      else if (text === "poison") {
        message.retry();
        continue;
      } else {
        await env.SEEN.put(`done:${text}`, JSON.stringify({ queue: batch.queue, size: batch.messages.length }));
      }
      message.ack();
    }
  },
  async fetch(_, env) {
    const { keys } = await env.SEEN.list();
    return Response.json(
      Object.fromEntries(await Promise.all(keys.map(async ({ name }) => [name, await env.SEEN.get(name)]))),
    );
  },
};
