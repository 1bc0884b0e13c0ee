// Verifies and signs webhooks with the official packages of their senders: the jobs of sdks.py. The first argument
// is the directory that holds `node_modules`.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const packages = process.argv[2];
const require = createRequire(join(packages, "package.json"));
const { Signature } = require("@hubspot/api-client");
require("@shopify/shopify-api/adapters/node");
const { shopifyApi } = require("@shopify/shopify-api");
const { createSHA256HMAC } = require("@shopify/shopify-api/runtime");
// It has no form for `require`.
const octokit = join(packages, "node_modules/@octokit/webhooks-methods/dist-node/index.js");
const github = await import(pathToFileURL(octokit));

const shopify = (secret) =>
  shopifyApi({
    apiKey: "key",
    apiSecretKey: secret,
    apiVersion: "2026-07",
    hostName: "app.example",
    isEmbeddedApp: false,
    logger: { log: () => {} },
  });

const hubspot = (version) => ({
  verify: ({ secret, url, headers, body }) =>
    Signature.isValid({
      signatureVersion: version,
      method: "POST",
      clientSecret: secret,
      requestBody: body,
      url,
      signature: headers[version === "v3" ? "x-hubspot-signature-v3" : "x-hubspot-signature"],
      timestamp: Number(headers["x-hubspot-request-timestamp"]),
    }),
  sign: ({ secret, url, body }) => {
    const timestamp = Date.now();
    const options = { clientSecret: secret, requestBody: body, url, timestamp };
    const signature = Signature.getSignature("POST", version, options);
    return version === "v3"
      ? { "x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": `${timestamp}` }
      : { "x-hubspot-signature": signature, "x-hubspot-signature-version": version };
  },
});

const senders = {
  github: {
    verify: ({ secret, headers, body }) => github.verify(secret, body, headers["x-hub-signature-256"]),
    sign: async ({ secret, body }) => ({ "x-hub-signature-256": await github.sign(secret, body) }),
  },
  shopify: {
    verify: async ({ secret, headers, body }) => {
      const rawRequest = { method: "POST", url: "/", headers };
      return (await shopify(secret).webhooks.validate({ rawBody: body, rawRequest })).valid;
    },
    sign: async ({ secret, body }) => ({ "x-shopify-hmac-sha256": await createSHA256HMAC(secret, body) }),
  },
  "hubspot-v1": hubspot("v1"),
  "hubspot-v2": hubspot("v2"),
  "hubspot-v3": hubspot("v3"),
};

const done = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) {
  done.push(await senders[job.sender][job.do](job));
}
process.stdout.write(JSON.stringify(done));
