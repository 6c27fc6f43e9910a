// A server with Better Auth, which keeps its users in memory.

import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { alias } from "./auth.mjs";

const { PORT, URL: baseURL } = process.env;
const kept = { user: [], session: [], account: [], verification: [] };
const auth = betterAuth({
  baseURL,
  secret: "only for a trial, and thirty-two long",
  database: memoryAdapter(kept),
  plugins: [alias],
  telemetry: { enabled: false },
});
const handle = toNodeHandler(auth);

const page = `<!doctype html><title>Notes</title>
<button id="sign-in">Sign in</button>
<script>
document.getElementById("sign-in").onclick = async () => {
  const answer = await fetch("/api/auth/sign-in/social", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ provider: "alias", callbackURL: "/users" }),
  });
  location = (await answer.json()).url;
};
</script>`;

createServer((request, response) => {
  if (request.url.startsWith("/api/auth/")) return handle(request, response);
  response.setHeader("Content-Type", "text/html");
  if (request.url !== "/users") return response.end(page);
  const [account] = kept.account;
  const [user] = kept.user;
  response.end(`signed in: ${account?.accountId} ${user?.name} ${user?.emailVerified}`);
}).listen(PORT);
