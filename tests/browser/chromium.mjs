// What every script of a page's tests stands on: a real headless Chromium, and axe.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { end as endChecks, expect } from "./checks.mjs";

export { check, expect } from "./checks.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

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

/// What a page breaks of WCAG 2 AA, and of `more` rules; one line each.
export async function breaches(page, more = []) {
  // Not by `addScriptTag`, which the page's policy refuses.
  await page.evaluate(axe);
  return page.evaluate(async (runOnly) => {
    const result = await globalThis.axe.run({ runOnly });
    return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ").slice(0, 300)}`);
  }, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", ...more]);
}

/// A page of the staff's is in its language, filled, and for those who see, hear or touch otherwise; a picture of it is kept where one is asked for.
export async function lookAt(page, language, name, picture) {
  await page.waitForLoadState("load");
  const violations = await breaches(page, ["best-practice"]);
  const found = await page.evaluate(() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const small = [...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
      .filter((element) => element.checkVisibility() && !element.ariaHidden)
      .map((element) => [element, (element.closest("label.check") ?? element).getBoundingClientRect()])
      .filter(([, box]) => Math.min(box.width, box.height) < 44)
      .map(([element]) => element.outerHTML.slice(0, 120));
    return [...(wide > 0 ? [`${wide} px too wide`] : []), ...small.map((html) => `small: ${html}`)];
  });
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  const all = [...violations, ...found];
  expect(all.length === 0, `${name}: ${all.join("\n")}`);
  expect((await page.getAttribute("html", "lang")) === language, `${name} is in ${await page.getAttribute("html", "lang")}`);
  const text = await page.textContent("body");
  expect(!/[{}]|undefined|\bstaff_|_more\b/.test(text), `${name} has an unfilled text: ${text.match(/.{0,30}([{}]|undefined|_more\b).{0,30}/)?.[0]}`);
}

/// Ends with status 1 when a check has failed.
export async function end() {
  await browser.close();
  endChecks();
}
