interface Env {
  DISCOUNT: "none" | "by-stock";
}

/** Prices in cents. Furniture made to order has no stock. */
const PRODUCTS: Record<string, { price: number; stock?: { pieces: number } }> = {
  chair: { price: 4900, stock: { pieces: 40 } },
  table: { price: 34900 },
};

export default {
  fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    const product = PRODUCTS[name];
    if (!product) return new Response("no such product", { status: 404 });

    // A bug to find with a canary: what is made to order has no stock to look at.
    const rebate = env.DISCOUNT === "by-stock" && product.stock!.pieces > 10 ? 0.9 : 1;
    return Response.json({ name, price: product.price * rebate });
  },
} satisfies ExportedHandler<Env>;
