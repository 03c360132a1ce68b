// Who gets in: a customer who tries every address of the staff's, a session that has ended, and wrong PINs until nobody may try; then "try it on my
// clothes" with thirty garments.
//
//   node doors.mjs http://localhost:8080 PIN [FOLDER]
//
// The appliance is `clothingid demo`, whose articles are `DEMO-001` and on. Each check is one line on stdout; the status is 1 when one failed.
import { join } from "node:path";
import { check, end, expect, lookAt, openPage } from "./chromium.mjs";

const [address, pin, folder] = process.argv.slice(2);
const languages = ["en", "zh-Hant", "de"];
const look = (page, language, name) => lookAt(page, language, name, folder && join(folder, `doors-${language}-${name}.png`));

// As the program describes itself. What has a place for a value is asked for with one.
const described = await (await fetch(`${address}/openapi.json`)).json();
const all = Object.entries(described.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: path.replace(/\{[^}]*\}/g, "1") })),
);
const staffs = all.filter(({ path }) => /^\/(staff(\/|$)|api\/v1\/staff)/.test(path) && !/^\/staff\/(login|assets)/.test(path));

async function logIn(page) {
  await page.fill("#pin", pin);
  await Promise.all([page.waitForURL((url) => !url.pathname.endsWith("/login")), page.click("button.main")]);
}

// The languages side by side: most of it is waiting.
await Promise.all(languages.map(async (language) => {
  const { context, page } = await openPage(address);
  await check(`${language}: a customer who tries every address of the staff's comes in nowhere`, async () => {
    expect(staffs.length >= 20, `only ${staffs.length} addresses`);
    for (const { path } of staffs.filter(({ method, path }) => method === "GET" && !path.startsWith("/api/"))) {
      await page.goto(`${address}${path}?lang=${language}`);
      expect(new URL(page.url()).pathname === "/staff/login", `${path} leads to ${page.url()}`);
      expect((await page.getAttribute("html", "lang")) === language, `${path} is in another language`);
      expect(await page.isVisible("#pin"), `${path}: no PIN is asked for`);
    }
    for (const { method, path } of staffs.filter(({ method, path }) => method !== "GET" || path.startsWith("/api/"))) {
      const status = await page.evaluate(
        async ([path, method]) => {
          const answer = await fetch(path, { method, redirect: "manual" });
          return answer.type === "opaqueredirect" ? "login" : answer.status;
        },
        [path, method],
      );
      expect(["login", 401, 403].includes(status), `${method} ${path}: ${status}`);
    }
  });
  await check(`${language}: whose session has ended is told so, logs in again, and is back where he was`, async () => {
    await page.goto(`${address}/staff/login?lang=${language}`);
    await logIn(page);
    await page.goto(`${address}/staff/barcode?lang=${language}`);
    expect(new URL(page.url()).pathname === "/staff/barcode", page.url());
    // What the appliance knows no more, after ten minutes or a restart, is another number to it.
    const cookies = await context.cookies();
    expect(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(cookies));
    await context.addCookies(cookies.map((cookie) => ({ ...cookie, value: "0".repeat(cookie.value.length) })));
    await page.goto(`${address}/staff/barcode?lang=${language}`);
    expect(new URL(page.url()).pathname === "/staff/login", page.url());
    expect((await page.textContent("[role=alert]")).length > 20, "it is not said why");
    await look(page, language, "expired");
    await logIn(page);
    expect(new URL(page.url()).pathname === "/staff/barcode", page.url());
  });
  await context.close();
}));

{
  const { context, page } = await openPage(address);
  await check("thirty garments are tried, and the rates are said with their intervals", async () => {
    await page.goto(`${address}/staff/login?lang=de`);
    await logIn(page);
    await page.goto(`${address}/staff/try?lang=de`);
    for (let number = 1; number <= 30; number += 1) {
      await page.fill("#code", `DEMO-${String(number).padStart(3, "0")}`);
      await page.keyboard.press("Enter");
      await page.waitForSelector("form[action='/staff/try/look'] button");
      await page.click("form[action='/staff/try/look'] button");
      await page.waitForFunction(() => !document.querySelector("form[action='/staff/try/look']"));
    }
    const rates = await page.locator("dl.facts dd").allTextContents();
    expect(rates.length === 2 && rates.every((rate) => /\d+ von 30\b/.test(rate)), rates.join(" | "));
    expect(rates.every((rate) => /zwischen \d+ und \d+ %/.test(rate)), `no interval: ${rates.join(" | ")}`);
    await look(page, "de", "tried");
    // The offer to add the pictures of those that were not found.
    await page.click("form[action='/staff/try/keep'] button.main");
    await page.waitForSelector(".notice.good", { timeout: 60_000 });
    await look(page, "de", "tried-kept");
  });
  await context.close();
}

{
  const { context, page } = await openPage(address);
  await check("five wrong PINs: each is said, then nobody may try, in every language", async () => {
    const told = new Set();
    for (let turn = 1; turn <= 5; turn += 1) {
      await page.goto(`${address}/staff/login?lang=en`);
      await page.fill("#pin", "99990");
      await page.click("button.main");
      await page.waitForSelector("[role=alert]");
      told.add(await page.textContent("[role=alert]"));
    }
    expect(told.size === 5, [...told].join(" | "));
    const locked = new Set();
    for (const language of languages) {
      await page.goto(`${address}/staff/login?lang=${language}`);
      expect(await page.isDisabled("#pin"), `${language}: a PIN may be tried`);
      locked.add(await page.textContent("[role=alert]"));
      await look(page, language, "locked");
    }
    expect(locked.size === 3, [...locked].join(" | "));
  });
  await context.close();
}

await end();
