// A new appliance is set up on its own display, in one of the three languages, without a keyboard.
//
//   node first-start.mjs http://localhost:8080 PIN LANGUAGE [FOLDER]
//
// As staff.mjs; the screenshots are `first-start-<language>-<page>.png`.
import { join } from "node:path";
import { check, end, expect, lookAt, openPage } from "./chromium.mjs";

const [address, pin, language, folder] = process.argv.slice(2);

// There may be no frame yet, a form that is refused is one on purpose, and the appliance is away while it is opened again.
const isExpected = (message) => /status of (422|503)|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE/.test(message.text());

const look = (page, name) => lookAt(page, language, name, folder && join(folder, `first-start-${language}-${name}.png`));

const staff = { en: "Staff", "zh-Hant": "店員", de: "Personal" }[language];

const { context, page, seen } = await openPage(address, {}, isExpected);
await check("the customers' page leads to the settings", async () => {
  await page.goto(`${address}/?lang=${language}`);
  expect(new URL(page.url()).pathname === "/staff/settings", page.url());
  await look(page, "settings");
});
async function type(id, digits) {
  await page.focus(`#${id}`);
  for (const digit of digits) await page.click(`[data-digit="${digit}"]`);
}
await check("two PINs that differ are said, and nothing is set", async () => {
  await type("pin", pin);
  await type("again", pin.slice(0, -1));
  await Promise.all([page.waitForNavigation(), page.click("form.settings button.main")]);
  await page.waitForSelector("[role=alert]");
  await look(page, "refused");
});
await check("the PIN is typed by touch, and the staff's page follows", async () => {
  await type("pin", pin);
  await type("again", pin);
  await Promise.all([page.waitForNavigation(), page.click("form.settings button.main")]);
  await page.waitForSelector("[data-opened-again]");
  await look(page, "kept");
  await page.waitForURL((url) => url.pathname === "/staff", { timeout: 60_000 });
  expect((await page.textContent("h1")) === staff, await page.textContent("h1"));
});
await check("the staff see their settings", async () => {
  await page.goto(`${address}/staff/settings`);
  expect(await page.isVisible("#present"), "the present PIN is not asked for");
  await look(page, "later");
});
await check("nothing went wrong beside that", async () => {
  expect(seen.problems.length + seen.elsewhere.length === 0, JSON.stringify(seen));
});
await context.close();
await end();
