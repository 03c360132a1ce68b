// Drives the staff's pages in a real headless Chromium, in all three languages.
//
//   node staff.mjs http://localhost:8080 PIN [FOLDER]
//
// Each check is one line on stdout, `ok` or `FAILED` with what was seen, under figures if it has some; the status is 1 when one failed.
// Screenshots go into FOLDER as `staff-<language>-<page>.png`. On every page there is no violation of WCAG 2 AA, nothing too wide, and no target
// below 44 pixels.
import { join } from "node:path";
import { check, end, expect, lookAt, openPage } from "./chromium.mjs";
import { Person } from "./keystrokes.mjs";

const [address, pin, folder] = process.argv.slice(2);

// An article that was just undone may be in the reading for a moment more, and its photograph is gone.
const isGone = (message) => /status of 404/.test(message.text()) && message.location().url.includes("/api/v1/catalogue/");

async function open(language, options) {
  const { context, page, seen } = await openPage(address, options, isGone);
  await page.goto(`${address}/staff?lang=${language}`);
  return { context, page, seen };
}

const look = (page, language, name) => lookAt(page, language, name, folder && join(folder, `staff-${language}-${name}.png`));

const heading = (page) => page.textContent("h1");

async function logIn(page) {
  for (const digit of pin) await page.click(`[data-digit="${digit}"]`);
  await Promise.all([page.waitForURL((url) => !url.pathname.endsWith("/login")), page.click("button.main")]);
}

for (const language of ["en", "zh-Hant", "de"]) {
  const { context, page, seen } = await open(language);
  await check(`${language}: a customer is asked for the PIN, a wrong one is said, the right one by touch leads back`, async () => {
    expect(new URL(page.url()).pathname === "/staff/login", page.url());
    await look(page, language, "login");
    await page.fill("#pin", "99990");
    await page.click("button.main");
    await page.waitForSelector("[role=alert]");
    await look(page, language, "login-wrong");
    await page.goto(`${address}/staff/barcode?lang=${language}`);
    await logIn(page);
    expect(new URL(page.url()).pathname === "/staff/barcode", page.url());
    await page.goto(`${address}/staff`);
    await look(page, language, "home");
  });
  await check(`${language}: a scanned barcode says which article it is`, async () => {
    // As a scanner does: it types into the field that has the focus, over what is there, and presses Enter.
    const scan = async (code) => {
      await page.waitForFunction(() => document.activeElement?.id === "code");
      await page.keyboard.type(code);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    };
    await page.goto(`${address}/staff/barcode`);
    await scan("4006381333931");
    expect((await page.textContent("main")).includes("Linen shirt"), `the article is not shown at ${page.url()}`);
    await scan("4006381333932");
    await page.waitForSelector("[role=alert]");
    await look(page, language, "barcode");
  });
  await check(`${language}: a wrong match is corrected and undone`, async () => {
    await page.goto(`${address}/staff/wrong`);
    await look(page, language, "wrong");
    await page.waitForFunction(() => document.querySelector("[data-live]").naturalWidth > 0);
    await page.click("main form button.main");
    await page.waitForURL(/choose/);
    expect(await page.evaluate(() => document.querySelector(".live img").naturalWidth > 0), "the frame is not shown");
    await look(page, language, "choose");
    await page.fill("#q", "coat");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=coat/);
    await look(page, language, "search");
    await page.click("a.card[href*='A%2D2'] >> nth=-1");
    await page.waitForURL(/is=A/);
    for (const box of await page.locator("input[name=is_not]").all()) await box.uncheck();
    await look(page, language, "confirm");
    await page.click("main form button.main");
    await page.waitForSelector(".notice.good");
    await look(page, language, "kept");
    await page.goto(`${address}/staff/undo`);
    await look(page, language, "undo");
    await page.click("section.card button.main");
    await page.waitForSelector(".notice.good");
    await look(page, language, "undone");
  });
  await check(`${language}: an article is added from the camera and undone`, async () => {
    await page.goto(`${address}/staff/article`);
    await look(page, language, "article");
    await page.fill("#title", "Rain coat");
    await page.fill("#price", "cheap");
    await page.click("button[value=save]");
    await page.waitForSelector("[role=alert]");
    await look(page, language, "article-wrong");
    await page.fill("#price", "89,00");
    await page.click("button[value=take]");
    await page.waitForSelector(".photos img");
    expect((await page.inputValue("#title")) === "Rain coat", "what was typed is gone");
    await page.locator("#barcode").focus();
    await page.keyboard.type("73513537");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    expect((await page.inputValue("#barcode")) === "73513537", "what was scanned is gone");
    await look(page, language, "article-photo");
    await page.click("button[value=save]");
    await page.waitForSelector(".notice.good");
    await look(page, language, "added");
    await page.click("main form button");
    await page.waitForSelector(".notice.good");
  });
  await check(`${language}: a table is tried, brought in and undone`, async () => {
    await page.goto(`${address}/staff/import`);
    await look(page, language, "import");
    // The customers' page stays open meanwhile, and shows what the shop sells now.
    const shop = await context.newPage();
    await shop.goto(`${address}/?lang=${language}`);
    const priced = (price) => shop.waitForFunction((price) => document.querySelector("#cards .price")?.textContent.replace(",", ".").includes(price), price);
    await priced("19.90");
    const table = "sku,title,photo,price,currency\nA-1,Linen shirt,coat.jpg,29.90,EUR\nZ-1,Rain coat,coat.jpg,89.00,EUR\nZ-2,Hat,hat.jpg,cheap,EUR\n";
    const coat = await (await fetch(`${address}/api/v1/frame.jpg`)).arrayBuffer();
    await page.setInputFiles("#table", { name: "summer.csv", mimeType: "text/csv", buffer: Buffer.from(table) });
    await page.setInputFiles("#photos", { name: "coat.jpg", mimeType: "image/jpeg", buffer: Buffer.from(coat) });
    await page.click("form[action='/staff/import/upload'] button");
    await page.waitForSelector("form[action='/staff/import/make'] button", { timeout: 60000 });
    await look(page, language, "import-tried");
    await page.click("form[action='/staff/import/make'] button");
    await page.waitForSelector(".notice.good", { timeout: 60000 });
    await look(page, language, "import-done");
    // Z-1 has the same picture: either comes first.
    await shop.waitForFunction(() => [...document.querySelectorAll("#cards .price")].some((price) => price.textContent.replace(",", ".").includes("29.90")));
    await page.click("a[href^='/staff/undo']");
    await page.click("section.card button.main");
    await page.waitForSelector(".notice.good");
    await priced("19.90");
    await shop.close();
    await page.goto(`${address}/staff/import`);
    await page.click("form[action='/staff/import/forget'] button");
    await page.waitForSelector("#table");
  });
  await check(`${language}: a table on a stick is brought in, the catalogue copied to the stick and brought back`, async () => {
    const done = { timeout: 60000 };
    await page.goto(`${address}/staff/backup`);
    const before = await page.locator("input[name=edition]").count();
    await page.click("form[action='/staff/backup'] button.main");
    await page.waitForSelector(".notice.good", done);
    await look(page, language, "backup-done");
    const said = await page.textContent(".notice.good");
    const copies = await page.locator("input[name=edition]").evaluateAll((inputs) => inputs.map((input) => input.value));
    const copy = copies.find((path) => said.includes(path));
    expect(copies.length === before + 1 && copy, `the copy is not listed: ${said} ${copies}`);
    await page.goto(`${address}/staff/import`);
    await look(page, language, "import-stick");
    const stick = page.locator("form[action='/staff/import/stick']", { hasText: "stick.csv" });
    await stick.locator("button").click();
    await page.waitForSelector("form[action='/staff/import/make'] button", done);
    expect((await page.textContent("main")).includes("Straw hat"), "the stick's article is not shown");
    await page.click("form[action='/staff/import/make'] button");
    await page.waitForSelector(".notice.good", done);
    await page.click("form[action='/staff/import/forget'] button");
    await page.goto(`${address}/staff/barcode?code=96385074`);
    expect((await page.textContent("main")).includes("Straw hat"), "the article is not there");
    await page.goto(`${address}/staff/backup`);
    await page.locator("form[action='/staff/backup/restore']", { hasText: copy }).locator("button").click();
    await page.waitForSelector("form[action='/staff/import/make'] button", done);
    expect((await page.textContent("main")).includes("S-1"), "what goes is not shown");
    await look(page, language, "restore-tried");
    await page.click("form[action='/staff/import/make'] button");
    await page.waitForSelector(".notice.good", done);
    await look(page, language, "restore-done");
    await page.click("form[action='/staff/import/forget'] button");
    await page.waitForSelector("#table");
    await page.goto(`${address}/staff/barcode?code=96385074`);
    expect(!(await page.textContent("main")).includes("Straw hat"), "the article is still there");
  });
  await check(`${language}: garments are tried; settings, what happened, light, backup, cleaning and help are there`, async () => {
    await page.goto(`${address}/staff/try`);
    await look(page, language, "try");
    for (const code of ["4006381333931", "A-2", "A-3"]) {
      await page.fill("#code", code);
      await page.keyboard.press("Enter");
      await page.waitForSelector("form[action='/staff/try/look'] button");
      await page.click("form[action='/staff/try/look'] button");
      await page.waitForFunction(() => !document.querySelector("form[action='/staff/try/look']"));
    }
    await look(page, language, "try-counted");
    await page.click("form[action='/staff/try/forget'] button");
    await page.goto(`${address}/staff/light`);
    await page.waitForFunction(() => document.querySelector("meter")?.value > 0);
    await look(page, language, "light");
    for (const name of ["settings", "log", "help", "cleaning"]) {
      await page.goto(`${address}/staff/${name}`);
      await look(page, language, name);
    }
    await page.click("a.main");
    await page.waitForSelector("[data-cleaning]");
    await page.mouse.click(400, 300);
    await page.waitForFunction(() => Number(document.querySelector("[data-cleaning]").textContent) < 30);
    await look(page, language, "cleaning-now");
  });
  await check(`${language}: keyboard: the focus is seen, and the way out leads to the customers' page`, async () => {
    await page.goto(`${address}/staff`);
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    expect(parseFloat(outline) >= 2, `outline ${outline}`);
    await page.click("header form button");
    await page.waitForURL(`${address}/`);
    await page.goto(`${address}/staff`);
    expect(new URL(page.url()).pathname === "/staff/login", "not logged out");
  });
  await check(`${language}: nothing went wrong meanwhile`, async () => {
    // The browser itself reports answers that say what is wrong with a form.
    const problems = seen.problems.filter((words) => !/status of (403|422)/.test(words));
    expect(problems.length + seen.elsewhere.length === 0, JSON.stringify({ problems, elsewhere: seen.elsewhere }));
  });
  await context.close();
}

{
  const { context, page } = await open("en");
  /// From the staff's first page to the article kept, and undone again: what a person does for it.
  const addAtTheCounter = async (title) => {
    await page.goto(`${address}/staff`);
    const person = new Person(page);
    await person.touches("a[href='/staff/article']", { shows: "button[value=take]" });
    for (const count of [1, 2, 3]) {
      person.does("hold");
      await person.touches("button[value=take]", { shows: `.photos li:nth-child(${count}) img` });
    }
    await person.types("#title", title);
    await person.types("#price", "49.90");
    await person.scans("#barcode", "73513537");
    await person.touches("button[value=save]", { shows: ".notice.good" });
    await page.click("main form button");
    await page.waitForSelector(".notice.good");
    return person;
  };
  await check("at the counter: an article with three photographs, a name, a price and a barcode is less than a minute of a person's acts", async () => {
    await logIn(page);
    const person = await addAtTheCounter("Linen shirt white");
    console.log(`        ${person.words}`);
    expect(person.seconds < 60, person.words);
  });
  await check("with a name of three lines it would not be", async () => {
    const person = await addAtTheCounter("Linen shirt, white, slim, with long sleeves and a collar");
    expect(person.seconds > 60, person.words);
  });
  await context.close();
}

{
  const { context, page } = await open("de", { viewport: { width: 400, height: 800 }, javaScriptEnabled: false });
  await check("without JavaScript, on a narrow screen: log-in, barcode and the rest work by forms", async () => {
    await page.fill("#pin", pin);
    await page.click("button.main");
    await page.waitForURL(`${address}/staff`);
    await page.goto(`${address}/staff/barcode`);
    await page.fill("#code", "036000291452");
    await page.keyboard.press("Enter");
    await page.waitForURL(/code=/);
    expect((await page.textContent("main")).includes("Wool coat"), "the article is not shown");
    await page.goto(`${address}/staff/wrong`);
    await page.click("main form button.main");
    await page.waitForURL(/choose/);
    expect((await heading(page)) === "Welcher Artikel ist es?", await heading(page));
  });
  await context.close();
}

await end();
