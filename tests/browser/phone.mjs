// A phone of the staff: scans the code that the appliance shows, is paired, logs in and works there; in all three languages.
//
//   node phone.mjs http://localhost:8080 PIN [FOLDER]
//
// As staff.mjs; the screenshots are `phone-<language>-<page>.png`.
import { join } from "node:path";
import { check, end, expect, lookAt, openPage } from "./chromium.mjs";

const [address, pin, folder] = process.argv.slice(2);
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, ignoreHTTPSErrors: true };

const look = (page, language, name) => lookAt(page, language, name, folder && join(folder, `phone-${language}-${name}.png`));

async function logIn(page) {
  await page.fill("#pin", pin);
  await Promise.all([page.waitForURL((url) => !url.pathname.endsWith("/login")), page.click("button.main")]);
}

const isExpected = (message) => /status of 4(01|10)/.test(message.text());

for (const language of ["en", "zh-Hant", "de"]) {
  const here = await openPage(address);
  let offer;
  await check(`${language}: the appliance shows a code`, async () => {
    await here.page.goto(`${address}/staff/devices?lang=${language}`);
    await logIn(here.page);
    await here.page.goto(`${address}/staff/devices?lang=${language}`);
    await Promise.all([here.page.waitForNavigation(), here.page.click("section:first-of-type button.main")]);
    offer = await here.page.textContent("#address");
    expect(await here.page.isVisible("svg.code path"), "no code is shown");
    await look(here.page, language, "offer");
  });
  const network = new URL(offer).origin;
  const { context, page, seen } = await openPage(network, phone, isExpected);
  await check(`${language}: a phone that is not paired is told what to do`, async () => {
    const answer = await page.goto(`${network}/staff?lang=${language}`);
    expect(answer.status() === 401, answer.status());
    await look(page, language, "not-paired");
  });
  await check(`${language}: it is paired by the code, once, and asks for the PIN`, async () => {
    await page.goto(`${offer}?lang=${language}`);
    await look(page, language, "pair");
    await page.fill("#name", `Phone ${language}`);
    await Promise.all([page.waitForURL((url) => url.pathname === "/staff/login"), page.click("button.main")]);
    const again = await page.goto(`${offer}?lang=${language}`);
    expect(again.status() === 410, again.status());
    await look(page, language, "over");
    await page.goto(`${network}/staff/undo?lang=${language}`);
    await logIn(page);
    expect(new URL(page.url()).pathname === "/staff/undo", page.url());
    await page.goto(`${network}/staff`);
    await look(page, language, "home");
  });
  await check(`${language}: the customers' page is live there too`, async () => {
    await page.goto(`${network}/?lang=${language}`);
    await page.waitForFunction((title) => document.body.textContent.includes(title), "Linen shirt");
  });
  await check(`${language}: removed, it is let in no more`, async () => {
    // The page that showed the code has seen that it was taken up.
    await here.page.waitForSelector(`strong:text-is("Phone ${language}")`);
    await look(here.page, language, "devices");
    await Promise.all([here.page.waitForNavigation(), here.page.click(`form:has(strong:text-is("Phone ${language}")) button`)]);
    const answer = await page.goto(`${network}/staff`);
    expect(answer.status() === 401, answer.status());
  });
  await check(`${language}: nothing went wrong beside that`, async () => {
    for (const one of [here.seen, seen]) expect(one.problems.length + one.elsewhere.length === 0, JSON.stringify(one));
  });
  await Promise.all([here.context.close(), context.close()]);
}
await end();
