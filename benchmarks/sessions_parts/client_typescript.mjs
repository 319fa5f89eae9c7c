// Holds one session with each server and calls a tool all the time, as client_python.py does, with the TypeScript SDKs.
// Usage: node client_typescript.mjs typescript-1|typescript-2 CALLS
const PAUSE = 100;
const [kind, calls] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport } =
  kind === "typescript-2"
    ? await import("@modelcontextprotocol/client")
    : {
        ...(await import("@modelcontextprotocol/sdk/client/index.js")),
        ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
      };

let done = false;
const pause = () => new Promise((ready) => setTimeout(ready, PAUSE));
const tell = (number, begin, fault) => console.log(JSON.stringify([number, (performance.now() - begin) / 1000, fault]));

async function callOn([url, name, args], number) {
  while (!done) {
    let begin = performance.now();
    const client = new Client({ name: kind, version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(url));
    try {
      await client.connect(transport);
      while (!done) {
        begin = performance.now();
        const result = await client.callTool({ name, arguments: args });
        tell(number, begin, result.isError ? JSON.stringify(result.content) : null);
        await pause();
      }
      await transport.terminateSession();
    } catch (error) {
      tell(number, begin, `${error.name}: ${error.message} ${error.cause?.message ?? ""} ${error.cause?.code ?? ""}`.trim());
      await pause();
    }
    await client.close();
  }
}

process.stdin.on("data", () => {});
process.stdin.on("end", () => (done = true));
await Promise.all(JSON.parse(calls).map(callOn));
process.exit(0);
