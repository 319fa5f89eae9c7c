// An OAuth 2.1 authorization server: the certified package oidc-provider, with its own pages to log in and to consent.
// Usage: node authorization_server.mjs PORT PEM_FILE. Registers any client, and makes a token for whatever it is asked.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

const [port, pem] = process.argv.slice(2);
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const provider = new Provider(`https://localhost:${port}`, {
  jwks: { keys: [{ ...key, kid: "k1", use: "sig", alg: "RS256" }] },
  scopes: ["openid", "offline_access", "mcp"],
  cookies: { keys: ["of this test"] },
  features: {
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (context, resource) => ({
        scope: "mcp",
        audience: resource,
        accessTokenFormat: "jwt",
        accessTokenTTL: resource.endsWith("/brief/mcp") ? 2 : 60, // seconds
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
createServer({ key: readFileSync(pem), cert: readFileSync(pem) }, provider.callback()).listen(port, "127.0.0.1", () =>
  console.log("ready"),
);
