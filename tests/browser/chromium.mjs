// What every script of a page's tests stands on: a real headless Chromium, checks that are counted, and axe.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const executablePath = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
  .flatMap((name) => process.env.PATH.split(":").map((place) => join(place, name)))
  .find(existsSync);

export const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
  ],
});

let failed = 0;
/// One line on stdout, `ok` or `FAILED` with what was seen.
export async function check(what, body) {
  try {
    await body();
    console.log(`ok      ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}: ${error.message}`);
  }
}

export function expect(value, words) {
  if (!value) throw new Error(words);
}

/// A page of its own, and what goes wrong in it: errors in the console, and requests to anywhere else. `isExpected` tells errors that are none.
export async function openPage(address, options = {}, isExpected = () => false) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const seen = { problems: [], elsewhere: [], refused: [] };
  page.on("console", (message) => {
    if (message.type() === "error" && !isExpected(message)) seen.problems.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(address).origin) seen.elsewhere.push(request.url());
  });
  page.on("response", (response) => response.status() >= 400 && seen.refused.push(`${response.status()} ${response.url()}`));
  return { context, page, seen };
}

/// Ends with status 1 when a check has failed.
export async function end() {
  await browser.close();
  console.log(failed === 0 ? "all well" : `${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
