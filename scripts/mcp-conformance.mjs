// Runs the official MCP conformance suite against a server of its own: a service that the suite's tools call, a
// Tieline that offers them, and a proxy that adds the key, which the suite cannot send. See mcp-conformance.sh.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, packages] = process.argv.slice(2);
const KEY = "owner-key-of-the-conformance-suite";
const suite = join(packages, "node_modules/@modelcontextprotocol/conformance/dist/index.js");

const listen = (handler) =>
  new Promise((resolve) => {
    const server = http.createServer(handler);
    server.listen(0, "127.0.0.1", () => resolve({ server, port: server.address().port }));
  });

// The service behind the tools: what the suite's reference server does, as far as HTTP can say it.
const service = await listen((request, response) => {
  const answer = (status, text) => {
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(text);
  };
  switch (request.url) {
    case "/simple":
      return answer(200, "This is a simple text response for testing.");
    case "/error":
      return answer(500, "This tool intentionally returns an error for testing");
    // Long enough for three notifications of progress, one every two seconds.
    case "/slow":
      return setTimeout(() => answer(200, "done"), 7000);
    default:
      return answer(404, "nothing here");
  }
});

const none = { type: "object", properties: {} };
const tools = [
  ["test_simple_text", "/simple", none],
  ["test_error_handling", "/error", none],
  ["test_tool_with_progress", "/slow", none],
  ["json_schema_2020_12_tool", "/simple", {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: { address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
    properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
    additionalProperties: false,
  }],
];

// What HTTP answers cannot say (pictures, sound, resources) comes from a remote MCP server that Tieline passes on.
const picture = { type: "image", data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", mimeType: "image/png" };
const sound = { type: "audio", data: "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==", mimeType: "audio/wav" };
const resource = { type: "resource", resource: { uri: "test://embedded-resource", mimeType: "text/plain", text: "This is an embedded resource content." } };
const remoteTools = {
  test_image_content: [picture],
  test_audio_content: [sound],
  test_embedded_resource: [resource],
  test_multiple_content_types: [{ type: "text", text: "Multiple content types test:" }, picture, resource],
};
const remote = await listen(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { id, method, params } = JSON.parse(body);
  const results = {
    initialize: () => ({ protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "remote", version: "1" } }),
    "tools/list": () => ({ tools: Object.keys(remoteTools).map((name) => ({ name, description: `The suite's ${name}.`, inputSchema: none })) }),
    "tools/call": () => ({ content: remoteTools[params.name] }),
  };
  if (!(method in results)) return response.writeHead(202).end();
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result: results[method]() }));
});

const data = mkdtempSync(join(tmpdir(), "tieline-conformance-"));
const tieline = spawn(program, ["serve", "--listen", "127.0.0.1:0", "--data", data], {
  env: { ...process.env, TIELINE_OWNER_KEY: KEY, TIELINE_OUTBOUND_ALLOW: "127.0.0.0/8" },
  stdio: ["ignore", "pipe", "inherit"],
});
const origin = await new Promise((resolve, reject) => {
  let said = "";
  tieline.on("exit", () => reject(new Error(`the server ended: ${said}`)));
  tieline.stdout.on("data", (chunk) => {
    said += chunk;
    const ready = said.match(/ready at (http:\/\/\S+)/);
    if (ready) resolve(ready[1]);
  });
});

const make = async (path, body) => {
  const made = await fetch(origin + path, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (made.status !== 201) throw new Error(`${path} ${body.name}: ${made.status} ${await made.text()}`);
};
for (const [name, path, parameters] of tools) {
  const endpoint = { url: `http://127.0.0.1:${service.port}${path}`, method: "GET" };
  await make("/v1/tools", { name, description: `The suite's ${name}.`, parameters, endpoint });
}
await make("/v1/mcp-servers", { name: "remote", url: `http://127.0.0.1:${remote.port}/mcp`, prefix: "" });

// Adds the key; everything else passes as it is, the Host and Origin of other pages, too. The proxy stands for the
// server's own address, so it gives its own host the server's name.
const { hostname, port } = new URL(origin);
const proxy = await listen((request, response) => {
  const own = (value) => value?.replace(`:${proxy.port}`, `:${port}`);
  const headers = { ...request.headers, authorization: `Bearer ${KEY}`, host: own(request.headers.host) };
  if (headers.origin) headers.origin = own(headers.origin);
  const onward = http.request({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
});

const listed = spawnSync(process.execPath, [suite, "list", "--server"], { encoding: "utf8" }).stdout;
const scenarios = [...listed.matchAll(/^\s+- (\S+) \[/gm)].map((found) => found[1]);
const explained = readFileSync("docs/mcp.md", "utf8");
let unexplained = 0;
const counts = { passed: 0, failed: 0 };
for (const scenario of scenarios) {
  const url = `http://127.0.0.1:${proxy.port}/mcp`;
  const run = await new Promise((resolve) => {
    const child = spawn(process.execPath, [suite, "server", "--url", url, "--scenario", scenario]);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    child.on("exit", (code) => resolve({ code, text }));
  });
  const totals = run.text.match(/Passed: (\d+)\/(\d+)/);
  const passed = run.code === 0;
  counts[passed ? "passed" : "failed"] += 1;
  const why = passed ? "" : (run.text.match(/Error: (.*)/) ?? [])[1] ?? run.text.trim().split("\n").at(-1);
  if (!passed && !explained.includes(`| \`${scenario}\` |`)) unexplained += 1;
  console.log(`${passed ? "passed" : "FAILED"}  ${scenario}  ${totals ? `${totals[1]}/${totals[2]}` : ""}  ${why}`);
  if (process.env.VERBOSE) console.log(run.text);
}
console.log(`${counts.passed} of ${scenarios.length} scenarios passed, ${counts.failed} failed, ${unexplained} of them unexplained`);

tieline.kill("SIGTERM");
await new Promise((resolve) => tieline.on("exit", resolve));
rmSync(data, { recursive: true });
process.exit(unexplained === 0 ? 0 : 1);
