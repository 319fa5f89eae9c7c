#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 and @modelcontextprotocol/client 2.4.0 (npm), seen on Node.js 20.
#
# client.close() of both TypeScript SDKs ends no session on the server: no DELETE is sent. A server that keeps a session
# (Mcp-Session-Id) learns nothing of it, so whatever stands behind the session, a process or a browser, lives until the
# server's own time-out. Only transport.terminateSession(), called before close(), sends the DELETE.
#
# Why it matters: a well-behaved program that opens, uses and closes a client for each job leaves one session a job.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0

cat >seen.mjs <<'JAVASCRIPT'
import http from 'node:http';
import * as newer from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const requests = [];
const server = http.createServer(async (request, response) => {
  let text = '';
  for await (const piece of request) text += piece;
  const message = text ? JSON.parse(text) : {};
  requests.push(request.method);
  if (request.method === 'DELETE') return response.writeHead(200).end();
  if (request.method === 'GET') return response.writeHead(405).end();
  if (message.method === 'server/discover') return response.writeHead(404).end();
  if (message.id === undefined) return response.writeHead(202).end();
  const result = message.method === 'initialize'
    ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'seen', version: '1' } }
    : { tools: [] };
  response.writeHead(200, { 'Content-Type': 'application/json', 'Mcp-Session-Id': 'one' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);

async function deletes(client, transport, terminate) {
  requests.length = 0;
  await client.connect(transport);
  await client.listTools();
  if (terminate) await transport.terminateSession();
  await client.close();
  // Whatever close() sends without waiting for it is here before the answer to a later request.
  await fetch(url, { method: 'POST', body: '{"method":"last"}' });
  return requests.filter((method) => method === 'DELETE').length;
}

const me = { name: 'seen', version: '1' };
for (const [name, sdk] of [['sdk 1.32.2', { Client, StreamableHTTPClientTransport }], ['client 2.4.0', newer]]) {
  for (const terminate of [false, true]) {
    const transport = new sdk.StreamableHTTPClientTransport(url);
    const sent = await deletes(new sdk.Client(me), transport, terminate);
    console.log(`${name}, ${terminate ? 'terminateSession() and close()' : 'close()'}: ${sent} DELETE`);
  }
}
server.closeAllConnections();
server.close();
JAVASCRIPT

said=$(node seen.mjs)
printf '%s\n' "$said"
expected='sdk 1.32.2, close(): 0 DELETE
sdk 1.32.2, terminateSession() and close(): 1 DELETE
client 2.4.0, close(): 0 DELETE
client 2.4.0, terminateSession() and close(): 1 DELETE'
[ "$said" = "$expected" ] || { echo "the behaviour has changed; seen before:"; printf '%s\n' "$expected"; exit 1; }
