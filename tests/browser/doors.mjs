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
    const cookies = await context.cookies();
    expect(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(cookies));
    // The session is ended in another window, while this one still has its cookie.
    const other = await context.newPage();
    await other.goto(`${address}/staff?lang=${language}`);
    await Promise.all([other.waitForURL(`${address}/`), other.click("header form button")]);
    await other.close();
    await context.addCookies(cookies);
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
  const rates = {
    en: { confused: "What was taken for something else", share: /\d+ of 30\b/, interval: /between \d+ and \d+ %/ },
    "zh-Hant": { confused: "認錯的商品", share: /（30 件中 \d+ 件）/, interval: /在 \d+% 到 \d+% 之間/ },
    de: { confused: "Was verwechselt wurde", share: /\d+ von 30\b/, interval: /zwischen \d+ und \d+ %/ },
  };
  await check("log-in for what follows", async () => {
    await page.goto(`${address}/staff/login?lang=en`);
    await logIn(page);
  });
  for (const [turn, language] of languages.entries()) {
    await check(`${language}: ten of thirty garments are tried`, async () => {
      await page.goto(`${address}/staff/try?lang=${language}`);
      for (let number = 1 + 10 * turn; number <= 10 * (turn + 1); number += 1) {
        await page.fill("#code", `DEMO-${String(number).padStart(3, "0")}`);
        await page.keyboard.press("Enter");
        await page.waitForSelector("form[action='/staff/try/look'] button");
        await page.click("form[action='/staff/try/look'] button");
        await page.waitForFunction(() => !document.querySelector("form[action='/staff/try/look']"));
      }
      await look(page, language, `tried-${10 * (turn + 1)}`);
    });
  }
  for (const language of languages) {
    await check(`${language}: the rates of all thirty are said with their intervals, and what was taken for something else`, async () => {
      await page.goto(`${address}/staff/try?lang=${language}`);
      const said = await page.locator("dl.facts dd").allTextContents();
      const { confused, share, interval } = rates[language];
      expect(said.length === 2 && said.every((rate) => share.test(rate)), said.join(" | "));
      expect(said.every((rate) => interval.test(rate)), `no interval: ${said.join(" | ")}`);
      // The camera shows its own round of garments, whatever is scanned: many are not what was scanned.
      const pairs = await page.locator(`h2:text-is("${confused}") + ul.rows li`).allTextContents();
      expect(pairs.length > 0 && pairs.every((pair) => /\d/.test(pair)), `pairs: ${pairs.join(" | ")}`);
      await look(page, language, "tried");
    });
  }
  await check("the pictures of those that were not found are kept", async () => {
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
