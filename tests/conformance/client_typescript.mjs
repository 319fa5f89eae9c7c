// What a user of the TypeScript SDK does. Usage: node client_typescript.mjs URL http|sse. Prints JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

const [url, kind] = process.argv.slice(2);
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const client = new Client({ name: "typescript", version: "1" }, { capabilities: { sampling: {}, elicitation: {} } });
const progress = [];
const logs = [];
client.setRequestHandler(CreateMessageRequestSchema, async () => ({
  role: "assistant",
  model: "m",
  content: { type: "text", text: "sampled" },
}));
client.setRequestHandler(ElicitRequestSchema, async () => ({
  action: "accept",
  content: { username: "u", email: "e" },
}));
client.setNotificationHandler(LoggingMessageNotificationSchema, (note) => logs.push(note.params.data));

await client.connect(new Transport(new URL(url)));
const tools = await client.listTools();
await client.callTool({ name: "test_tool_with_progress", arguments: {} }, undefined, {
  onprogress: (note) => progress.push(note.progress),
});
await client.callTool({ name: "test_tool_with_logging", arguments: {} });
const sampled = await client.callTool({ name: "test_sampling", arguments: { prompt: "p" } });
const elicited = await client.callTool({ name: "test_elicitation", arguments: { message: "m" } });
const resource = await client.readResource({ uri: "test://static-text" });
console.log(
  JSON.stringify({
    server: client.getServerVersion().name,
    tools: tools.tools.length,
    progress,
    logs: logs.length,
    sampled: sampled.content[0].text,
    elicited: elicited.content[0].text,
    resource: resource.contents[0].text,
  }),
);
if (kind !== "sse") await client.transport.terminateSession();
await client.close();
