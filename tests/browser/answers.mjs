// Every answer in JSON is what `openapi.json` says of it: each place that is required is there, each that is there is described, and each has
// its type.
//
//   node answers.mjs http://localhost:8080 PIN PHOTO
//
// PHOTO is a JPEG file. No browser is needed.
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import { check, end, expect } from "./checks.mjs";

const [address, pin, photo] = process.argv.slice(2);

const described = await (await fetch(`${address}/openapi.json`)).json();

/// What no schema names is refused: a place that is in an answer and not in the document is a fault of the document.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isWhole = schema.allOf !== undefined || (schema.type === "object" && schema.properties !== undefined);
  return isWhole && all.additionalProperties === undefined ? { ...all, unevaluatedProperties: false } : all;
}

const { Live, ...whole } = described.components.schemas;
// A part of another schema may not be closed by itself.
const parts = new Set(Live.allOf.flatMap((part) => (part.$ref ? [part.$ref.split("/").at(-1)] : [])));
const schemas = Object.fromEntries(
  Object.entries(whole).flatMap(([name, schema]) => [
    [name, closed(schema)],
    ...(parts.has(name) ? [[`${name}Part`, schema]] : []),
  ]),
);
schemas.Live = {
  ...Live,
  allOf: Live.allOf.map((part) => (part.$ref ? { $ref: `${part.$ref}Part` } : part)),
  unevaluatedProperties: false,
};

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema({ $id: "api", components: { schemas } });

function holds(schema, value, where) {
  const text = JSON.stringify(closed(schema)).replaceAll('"#/components', '"api#/components');
  const validate = ajv.compile(JSON.parse(text));
  expect(validate(value), `${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 400)}`);
}

const seen = new Set();

/// Asks, and holds the answer against what the document says of this address, method and status.
async function asks(method, path, described_as, status, options = {}) {
  const answer = await fetch(`${address}${path}`, { method, redirect: "manual", ...options });
  expect(answer.status === status, `${method} ${path}: ${answer.status} and not ${status}`);
  const operation = described.paths[described_as]?.[method.toLowerCase()];
  const content = operation?.responses[status]?.content;
  expect(content, `${method} ${described_as}: ${status} is not described`);
  const type = answer.headers.get("content-type").split(";")[0];
  expect(content[type], `${method} ${path}: ${type} is not described`);
  seen.add(`${method} ${described_as} ${status}`);
  const value = await answer.json();
  holds(content[type].schema, value, `${method} ${path}`);
  return value;
}

const picture = { body: readFileSync(photo), headers: { "content-type": "image/jpeg" } };
const sku = "DEMO-001";

await check("an answer with a place too many or too few would be found", async () => {
  const reading = await (await fetch(`${address}/api/v1/reading`)).json();
  const schema = { $ref: "#/components/schemas/Live" };
  holds(schema, reading, "a reading");
  const isRefused = (value) => {
    try {
      holds(schema, value, "");
      return false;
    } catch {
      return true;
    }
  };
  const more = { more: 1 };
  const wrong = [more, { verdict: undefined }, { verdict: "perhaps" }, { matches: [{ ...reading.matches[0], ...more }] }];
  for (const spoiled of wrong) expect(isRefused({ ...reading, ...spoiled }), `taken for good: ${JSON.stringify(spoiled)}`);
});

await check("readings, health, classification, search and the catalogue answer as described", async () => {
  await asks("GET", "/api/v1/reading", "/api/v1/reading", 200);
  await asks("GET", "/healthz", "/healthz", 200);
  await asks("GET", "/readyz", "/readyz", 200);
  await asks("GET", "/api/v1/colours", "/api/v1/colours", 200);
  await asks("POST", "/api/v1/classify", "/api/v1/classify", 200, picture);
  await asks("POST", "/api/v1/search?top=3", "/api/v1/search", 200, picture);
  await asks("GET", `/api/v1/catalogue/${sku}`, "/api/v1/catalogue/{sku}", 200);
  await asks("GET", `/api/v1/catalogue/${sku}/similar`, "/api/v1/catalogue/{sku}/similar", 200);
});

// What is too large is refused before it has been read, which this client takes for a broken connection: the test `kiosk` reads that answer.
await check("what goes wrong is answered as described", async () => {
  const empty = { headers: { "content-type": "image/jpeg" } };
  const noPicture = { ...picture, body: "GIF89a" };
  for (const path of ["/api/v1/classify", "/api/v1/search"]) {
    await asks("POST", path, path, 400, empty);
    await asks("POST", path, path, 422, noPicture);
  }
  await asks("GET", "/api/v1/catalogue/none", "/api/v1/catalogue/{sku}", 404);
  await asks("GET", "/api/v1/catalogue/none/photo?name=x", "/api/v1/catalogue/{sku}/photo", 404);
  await asks("GET", "/api/v1/catalogue/none/similar", "/api/v1/catalogue/{sku}/similar", 404);
  await asks("GET", `/api/v1/catalogue/${sku}/similar?price=cheap`, "/api/v1/catalogue/{sku}/similar", 400);
});

await check("each reading of the stream, and each status, is as described", async () => {
  const stream = await fetch(`${address}/api/v1/events`, { signal: AbortSignal.timeout(60_000) });
  const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
  const counts = { message: 0, status: 0, page: 0, catalogue: 0 };
  let text = "";
  while (counts.message < 3 || counts.status < 1 || counts.page < 1) {
    const { done, value } = await reader.read();
    expect(!done, `the stream ended: ${text}`);
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const field = (name) => event.split("\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1).trim();
      const [kind, data] = [field("event") ?? "message", field("data")];
      if (data === undefined) continue;
      expect(kind in counts, `an event that is not described: ${kind}`);
      counts[kind] += 1;
      if (kind === "message") holds({ $ref: "#/components/schemas/Live" }, JSON.parse(data), "a reading of the stream");
      if (kind === "status") holds({ $ref: "#/components/schemas/Status" }, JSON.parse(data), "a status of the stream");
    }
  }
  await reader.cancel();
});

await check("the staff's API answers as described, to them and to others", async () => {
  const paths = Object.keys(described.paths).filter((path) => path.startsWith("/api/v1/staff/"));
  for (const path of paths) await asks("GET", path, path, 401);
  const form = { method: "POST", redirect: "manual", body: new URLSearchParams({ pin }) };
  const entered = await fetch(`${address}/staff/login`, form);
  expect(entered.status === 303, `the log-in: ${entered.status}`);
  const cookie = entered.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
  for (const path of paths) await asks("GET", path, path, 200, { headers: { cookie } });
});

await check("no address that answers in JSON is left out", async () => {
  const isJson = (answer) => answer.content?.["application/json"] !== undefined;
  const all = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.responses[200] && isJson(operation.responses[200]))
      .map(([method]) => `${method.toUpperCase()} ${path} 200`),
  );
  // A token is given on the shop's network alone; the document itself describes everything else.
  const left = all.filter((one) => !seen.has(one) && !/ \/pair | \/openapi\.json /.test(one));
  expect(all.length > 10 && left.length === 0, `not asked: ${left.join(", ")}`);
});

end();
