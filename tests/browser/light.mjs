// The staff's page *Light* before a camera with controls of its own, in all three languages: the meter, values set, locked as they are, left to the
// camera.
//
//   node light.mjs http://localhost:8080 PIN [FOLDER]
//
// The camera is that of `tests/src/bin/usb_camera`; its brightness is 15 at the end. As staff.mjs; the screenshots are
// `camera-<language>-<page>.png`.
import { join } from "node:path";
import { check, end, expect, lookAt, openPage } from "./chromium.mjs";

const [address, pin, folder] = process.argv.slice(2);
const look = (page, language, name) => lookAt(page, language, name, folder && join(folder, `camera-${language}-${name}.png`));
const { context, page, seen } = await openPage(address);
// The appliance's processor is emulated.
page.setDefaultTimeout(120_000);

/// Which of the camera's automatic modes the page shows as on.
const automatic = () => page.locator("input[name^=auto-]").evaluateAll((boxes) => boxes.filter((box) => box.checked).map((box) => box.name.slice(5)).sort().join(" "));

/// Presses a button of the form, which leads back to the page.
async function press(action) {
  await Promise.all([page.waitForNavigation(), page.click(`button[value=${action}]`)]);
}

/// Loads the page again until it is as wanted: the camera answers between two pictures.
async function soon(what, isSo) {
  for (let turn = 0; turn < 20; turn += 1) {
    if (await isSo()) return;
    await page.waitForTimeout(1000);
    await page.reload();
  }
  expect(false, `never ${what}: ${await page.textContent("main")}`);
}

for (const [turn, language] of ["en", "zh-Hant", "de"].entries()) {
  const brightness = 5 * (turn + 1);
  await check(`${language}: the live picture, the meter and the camera's controls are there`, async () => {
    await page.goto(`${address}/staff/light?lang=${language}`);
    if (new URL(page.url()).pathname === "/staff/login") {
      await page.fill("#pin", pin);
      await Promise.all([page.waitForURL((url) => url.pathname === "/staff/light"), page.click("button.main")]);
    }
    await page.waitForFunction(() => document.querySelector("[data-live]").naturalWidth > 0 && document.querySelector("meter").value > 0);
    await soon("automatic", async () => (await automatic()) === "exposure focus white_balance");
    const field = page.locator("input[name=value-brightness]");
    expect((await field.getAttribute("min")) === "-64" && (await field.getAttribute("max")) === "64", "the brightness has another range");
    await look(page, language, "light");
  });
  await check(`${language}: a value is set`, async () => {
    await page.fill("input[name=value-brightness]", String(brightness));
    await press("set");
    await soon("set", async () => (await page.inputValue("input[name=value-brightness]")) === String(brightness));
    await look(page, language, "set");
  });
  await check(`${language}: locked as it is, then left to the camera`, async () => {
    await press("lock");
    await soon("locked", async () => (await automatic()) === "");
    await look(page, language, "locked");
    await press("free");
    await soon("free", async () => (await automatic()) === "exposure focus white_balance");
  });
}
await check("nothing went wrong beside that", async () => {
  expect(seen.problems.length + seen.elsewhere.length === 0, JSON.stringify(seen));
});
await context.close();
await end();
