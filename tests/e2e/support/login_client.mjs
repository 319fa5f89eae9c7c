// What a user of the TypeScript SDK does who has to log in. Usage: node login_client.mjs URL client|sdk.
// Prints {"open": URL} for the browser, reads where it was sent back to, and prints what the server offers. With a third
// argument it waits so many seconds before that, so that its token has expired.
import { createInterface } from "node:readline";

const [url, generation, pause] = process.argv.slice(2);
const from = (path) =>
  import(generation === "sdk" ? `@modelcontextprotocol/sdk/client/${path}.js` : "@modelcontextprotocol/client");
const { Client } = await from("index");
const { StreamableHTTPClientTransport } = await from("streamableHttp");
const { UnauthorizedError } = await from("auth");

const kept = {};
const back = "http://127.0.0.1:9/callback"; // nobody listens there: the test reads where its browser was sent
const provider = {
  redirectUrl: back,
  clientMetadata: {
    client_name: "typescript",
    redirect_uris: [back],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => kept.client,
  saveClientInformation: (found) => void (kept.client = found),
  tokens: () => kept.tokens,
  saveTokens: (found) => void (kept.tokens = found),
  redirectToAuthorization: (found) => console.log(JSON.stringify({ open: String(found) })),
  saveCodeVerifier: (found) => void (kept.verifier = found),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (found) => void (kept.discovery = found),
  discoveryState: () => kept.discovery,
};
const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });

let client = new Client({ name: "typescript", version: "1" });
const first = transport();
try {
  await client.connect(first);
  throw new Error("it was let in without a token");
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error;
}
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const sent = new URL((await lines.next()).value).searchParams;
await first.finishAuth(generation === "sdk" ? sent.get("code") : sent);
client = new Client({ name: "typescript", version: "1" });
await client.connect(transport());
await new Promise((resolve) => setTimeout(resolve, 1000 * Number(pause ?? 0)));
const before = kept.tokens.access_token;
const tools = await client.listTools();
const renewed = kept.tokens.access_token !== before;
console.log(JSON.stringify({ server: client.getServerVersion()?.name, tools: tools.tools.length, renewed }));
await client.close();
process.exit(0);
