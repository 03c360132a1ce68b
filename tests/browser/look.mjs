// The customers' page with a shop's own logo and colours, in a real headless Chromium.
//
//   node look.mjs http://localhost:8080 [FOLDER]
import { join } from "node:path";
import { breaches, check, end, expect, openPage } from "./chromium.mjs";

const [address, folder] = process.argv.slice(2);
const { page, seen } = await openPage(address);
await page.goto(address);
await page.waitForFunction(() => document.body.dataset.state !== "starting");
await check("the shop's logo stands beside its name", async () => {
  const logo = await page.$eval(".mark", (image) => [new URL(image.src).pathname, image.complete, image.naturalWidth]);
  expect(logo[0] === "/assets/logo" && logo[1] && logo[2] > 0, JSON.stringify(logo));
});
await check("its colours are the page's", async () => {
  const colours = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector(".category26 .bar span")).backgroundColor]);
  expect(JSON.stringify(colours) === JSON.stringify(["rgb(253, 250, 246)", "rgb(122, 46, 18)"]), JSON.stringify(colours));
});
await check("and everything can be read", async () => {
  const found = await breaches(page);
  if (folder) await page.screenshot({ path: join(folder, "look.png") });
  expect(found.length === 0, found.join("\n"));
  expect(seen.problems.length + seen.elsewhere.length === 0, JSON.stringify(seen));
});
await end();
