// Drives the kiosk page in a real headless Chromium, in all three languages.
//
//   node kiosk.mjs http://localhost:8080 [FOLDER] [PID]
//
// Each check is one line on stdout, `ok` or `FAILED` with what was seen; the status is 1 when one failed. Screenshots of the
// page go into FOLDER as `kiosk-<language>.png` (docs/kiosk.png is `kiosk-en.png`). With the server's PID, the server is held for
// a while and the page must say that the connection is lost.
import { join } from "node:path";
import { breaches, browser, check, end, expect, openPage } from "./chromium.mjs";

const [address, folder, pid] = process.argv.slice(2);

/// Waits until `body` gives something true; the page lives, so its states come and go.
/// The demo's photographs go forty seconds without a garment that may be named.
async function soon(words, body, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await body();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${words}`);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

async function open(language, options) {
  const opened = await openPage(address, options);
  await opened.page.goto(`${address}/?lang=${language}`);
  return opened;
}

/// What a visitor sees now.
const look = (page) =>
  page.evaluate(() => {
    const text = (selector) => document.querySelector(selector)?.textContent.trim() ?? "";
    const isSeen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const frame = document.querySelector(".layer.is-shown");
    return {
      state: document.body.dataset.state,
      frame: frame && frame.naturalWidth > 0 && isSeen(frame) ? frame.src : null,
      label26: text("#category26 .label"),
      sure26: text("#category26 .sure"),
      bar26: Number(document.querySelector("#category26 .bar").getAttribute("aria-valuenow")),
      label14: text("#category14 .label"),
      sure14: text("#category14 .sure"),
      heading: text("#matches-title"),
      message: text("#message-title"),
      answerSeen: isSeen(document.querySelector("#answer")),
      notice: document.querySelector("#notice").classList.contains("is-shown") ? text("#notice") : "",
      engine: text("#engine"),
      latency: text("#latency"),
      cards: [...document.querySelectorAll("#cards li:not([hidden])")].map((card) => ({
        name: card.querySelector(".name").textContent,
        similarity: card.querySelector(".similarity").textContent,
        price: card.querySelector(".price").textContent,
        variants: card.querySelector(".variants").textContent,
        isPictured: card.querySelector("img").naturalWidth > 0 && isSeen(card.querySelector("img")),
      })),
    };
  });

const answered = (seen) =>
  seen.state === "known" && seen.frame && /\d/.test(seen.sure26) && /\d/.test(seen.sure14) && seen.cards.some((card) => card.isPictured);

const names = {};
for (const language of ["en", "zh-Hant", "de"]) {
  const { context, page, seen } = await open(language);
  await check(`${language}: frame, both categories with probabilities and a match with its picture`, async () => {
    const now = await soon("an answer", async () => {
      const now = await look(page);
      return answered(now) && now;
    });
    expect(now.label26 && now.label14, `labels ${now.label26} / ${now.label14}`);
    expect(now.bar26 > 0 && now.bar26 <= 100, `bar at ${now.bar26}`);
    expect(now.answerSeen, "the answer is not visible");
    expect(now.cards.every((card) => card.name && card.similarity), JSON.stringify(now.cards));
    await soon("price, colour and size on a card", async () =>
      (await look(page)).cards.some((card) => /\d/.test(card.price) && /\S · \S/.test(card.variants)),
    );
    expect(/float|int8/.test(now.engine), `engine ${now.engine}`);
    expect(/^\d+ ms$/.test(now.latency), `latency ${now.latency}`);
    expect(now.notice === "", `notice ${now.notice}`);
  });
  await check(`${language}: the page says so in its language`, async () => {
    expect((await page.getAttribute("html", "lang")) === language, "the wrong lang attribute");
    const strings = await page.evaluate(() => JSON.parse(document.getElementById("page").textContent).strings);
    const title = await page.textContent("h1");
    expect(title === strings.title, `title ${title}`);
    names[language] = title;
    expect((await page.locator(".languages [aria-current]").getAttribute("lang")) === language, "another language is marked");
  });
  await check(`${language}: no WCAG A or AA violation`, async () => {
    await soon("an answer", async () => answered(await look(page)));
    const found = await breaches(page);
    expect(found.length === 0, found.join("\n"));
  });
  await check(`${language}: nothing is cut off`, async () => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide <= 0, `${wide} px too wide`);
    const high = await page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight);
    expect(high <= 0, `${high} px too high for 1280 by 800`);
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll(".label, .over, .sure, h1, .similarity, .languages a")]
        .filter((element) => element.scrollWidth > element.clientWidth + 1)
        .map((element) => element.textContent),
    );
    expect(cut.length === 0, `cut: ${cut}`);
  });
  if (folder) {
    await soon("an answer", async () => answered(await look(page)));
    // Let the bars and the pictures come to rest.
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(folder, `kiosk-${language}.png`) });
  }
  await check(`${language}: no error in the console, no refused and no outside request`, async () => {
    expect(seen.problems.length === 0, seen.problems.join("\n"));
    expect(seen.refused.length === 0, seen.refused.join("\n"));
    expect(seen.elsewhere.length === 0, seen.elsewhere.join("\n"));
  });
  await context.close();
}

await check("the three languages differ", async () => {
  expect(new Set(Object.values(names)).size === 3, JSON.stringify(names));
});

{
  const { context, page, seen } = await open("en");
  await check("frames, readings and matches change over time without a reload", async () => {
    await page.evaluate(() => (globalThis.isSamePage = true));
    const [frames, readings, matches] = [new Set(), new Set(), new Set()];
    await soon("two frames, readings and rows of matches", async () => {
      const now = await look(page);
      if (now.frame) frames.add(now.frame);
      readings.add(`${now.state} ${now.label26} ${now.sure26}`);
      if (answered(now)) matches.add(now.cards.map((card) => card.name).join());
      return frames.size > 5 && readings.size > 1 && matches.size > 1;
    }, 90);
    expect(await page.evaluate(() => globalThis.isSamePage === true), "the page was loaded again");
  });
  await check("keyboard: skips nothing, shows the focus, opens and closes the details", async () => {
    await soon("an answer", async () => answered(await look(page)));
    await page.evaluate(() => document.activeElement.blur());
    const order = [];
    for (let step = 0; step < 5; step += 1) {
      await page.keyboard.press("Tab");
      order.push(await page.evaluate(() => document.activeElement.className || document.activeElement.lang));
    }
    expect(order.slice(0, 3).join() === "en,zh-Hant,de", `order ${order}`);
    await soon("focus on a card", async () => {
      await soon("an answer", async () => answered(await look(page)));
      await page.locator(".card").first().focus();
      return page.evaluate(() => document.activeElement.className === "card");
    });
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    expect(parseFloat(outline) >= 2, `outline ${outline}`);
    await page.keyboard.press("Enter");
    await soon("the details", () => page.evaluate(() => document.getElementById("details").open));
    await soon("the large picture", () => page.evaluate(() => document.getElementById("details-picture").naturalWidth > 0));
    const found = await breaches(page);
    expect(found.length === 0, found.join("\n"));
    if (folder) await page.screenshot({ path: join(folder, "kiosk-details.png") });
    // More like it, in one colour, and on to another garment.
    const similar = () => page.evaluate(() => [...document.querySelectorAll("#similar-cards li:not([hidden]) .name")].map((name) => name.textContent));
    const first = await page.textContent("#details-title");
    await page.click("#details-more");
    const all = await soon("others like it", async () => (await page.isVisible("#similar")) && (await similar()).length > 1 && similar());
    expect(!all.includes(first), `${first} is among those like it`);
    const pressed = () => page.textContent("#colours [aria-pressed=true]");
    expect((await pressed()) === "All colours", `pressed ${await pressed()}`);
    await page.click("#colours button:nth-child(2)");
    await soon("the colour", async () => (await pressed()) !== "All colours");
    const coloured = await similar();
    expect(coloured.join() !== all.join(), `the colour changes nothing: ${all}`);
    const withSimilar = await breaches(page);
    expect(withSimilar.length === 0, withSimilar.join("\n"));
    if (folder) await page.screenshot({ path: join(folder, "kiosk-similar.png") });
    await page.click("#colours button:nth-child(1)");
    await soon("all again", async () => (await similar()).join() === all.join());
    await page.click("#similar-cards .card");
    await soon("the next garment", async () => (await page.textContent("#details-title")) === all[0]);
    expect(!(await page.isVisible("#similar")), "what was like the last one is still shown");
    await page.keyboard.press("Escape");
    expect(!(await page.evaluate(() => document.getElementById("details").open)), "Escape does not close the details");
    expect(await page.evaluate(() => document.activeElement.className === "card"), "the focus is lost after closing");
  });
  await check("what is seen is held at a touch, and let go by a second one", async () => {
    await soon("an answer", async () => {
      if (!answered(await look(page))) return false;
      await page.click("#hold");
      if (answered(await look(page))) return true;
      // The next photograph came in this moment: let go of it, and try again.
      await page.click("#hold");
      return false;
    });
    await page.waitForTimeout(400);
    const before = await look(page);
    expect((await page.getAttribute("#hold", "aria-pressed")) === "true", "it is not pressed");
    const found = await breaches(page);
    expect(found.length === 0, found.join("\n"));
    if (folder) await page.screenshot({ path: join(folder, "kiosk-held.png") });
    // The demo shows another photograph every five seconds.
    await page.waitForTimeout(6000);
    const after = await look(page);
    expect(after.frame === before.frame && after.label26 === before.label26, "it has changed");
    await page.click("#hold");
    await soon("a new frame", async () => (await look(page)).frame !== before.frame);
  });
  await check("touch targets are at least 44 pixels", async () => {
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("a, button")]
        .map((element) => element.getBoundingClientRect())
        .filter((box) => box.width > 0 && Math.min(box.width, box.height) < 44).length,
    );
    expect(small === 0, `${small} smaller ones`);
  });
  if (pid) {
    await check("a server that is silent is said, and its return is seen", async () => {
      process.kill(Number(pid), "SIGSTOP");
      try {
        await soon("the notice", async () => (await look(page)).notice.startsWith("Connection lost"));
        const found = await breaches(page);
        expect(found.length === 0, found.join("\n"));
        if (folder) await page.screenshot({ path: join(folder, "kiosk-lost.png") });
      } finally {
        process.kill(Number(pid), "SIGCONT");
      }
      await soon("the notice to go", async () => (await look(page)).notice === "");
      const frame = (await look(page)).frame;
      await soon("a new frame", async () => (await look(page)).frame !== frame);
    });
  }
  await check("nothing went wrong meanwhile", async () => {
    expect(seen.problems.length + seen.elsewhere.length + seen.refused.length === 0, JSON.stringify(seen));
  });
  await context.close();
}

{
  const { context, page } = await open("de", { viewport: { width: 800, height: 1280 }, reducedMotion: "reduce", hasTouch: true });
  await check("portrait, reduced motion: nothing moves, nothing is too wide, a touch opens the details", async () => {
    await soon("an answer", async () => answered(await look(page)));
    const moving = await page.evaluate(
      () => [...document.querySelectorAll("*")].filter((element) => parseFloat(getComputedStyle(element).transitionDuration) > 0).length,
    );
    expect(moving === 0, `${moving} elements move`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide <= 0, `${wide} px too wide`);
    if (folder) await page.screenshot({ path: join(folder, "kiosk-portrait.png") });
    await soon("the details", async () => {
      await soon("an answer", async () => answered(await look(page)));
      await page.locator(".card").first().tap();
      return page.evaluate(() => document.getElementById("details").open);
    });
  });
  await context.close();
}
{
  const { context, page } = await open("en", { viewport: { width: 640, height: 400 } });
  await check("at 200 % text nothing is lost sideways", async () => {
    await soon("an answer", async () => answered(await look(page)));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide <= 0, `${wide} px too wide`);
  });
  await context.close();
}

// The states that the demo's photographs do not show for long: the latest real reading, changed and sent in its place.
{
  const latest = await (await fetch(`${address}/api/v1/reading`)).json();
  const states = {
    none: [{ ...latest, garment: 0, known: false, matches: [], verdict: "nothing" }, "invite", false],
    unknown: [{ ...latest, garment: 1, known: false, verdict: "similar" }, "unknown", true],
    found: [{ ...latest, known: true, verdict: "confident" }, "in_shop", true],
    "not-sure": [{ ...latest, known: true, verdict: "similar" }, "perhaps_in_shop", true],
    "nothing-like-it": [{ ...latest, known: true, verdict: "nothing" }, "not_in_shop", false],
    "empty-shop": [{ ...latest, known: true, verdict: "nothing", matches: [] }, "not_in_shop", false],
  };
  // The languages side by side: most of it is waiting.
  const shown = async (language, name, [reading, key, hasCards]) => {
    const { context, page } = await open(language);
    await page.route("**/api/v1/events", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: `data: ${JSON.stringify(reading)}\n\n` }),
    );
    await page.goto(`${address}/?lang=${language}`);
    await check(`${language}: state ${name}: said in words, cards ${hasCards ? "shown" : "hidden"}, no WCAG violation`, async () => {
      const words = await page.evaluate((key) => JSON.parse(document.getElementById("page").textContent).strings[key], key);
      await soon(words, async () => {
        const now = await look(page);
        return (now.state === "known" ? now.heading : now.message) === words && (await page.getByText(words).first().isVisible());
      });
      expect((await page.locator(".card").first().isVisible()) === hasCards, "the cards are not as expected");
      await page.waitForTimeout(400);
      const found = await breaches(page);
      expect(found.length === 0, found.join("\n"));
      if (folder && language === "en") await page.screenshot({ path: join(folder, `kiosk-${name}.png`) });
      const isOffered = name === "nothing-like-it";
      expect((await page.locator("#show-closest").isVisible()) === isOffered, "the closest are not offered as expected");
      if (isOffered) {
        await page.locator("#show-closest").click();
        expect(await page.locator(".card").first().isVisible(), "the closest do not come when asked for");
        expect(!(await page.locator("#show-closest").isVisible()), "the closest are offered though they are there");
      }
    });
    if (name === "found") {
      await check(`${language}: a customer opens a garment, looks for more like it in a colour, closes it, holds what is seen and lets it go`, async () => {
        const say = await page.evaluate(() => JSON.parse(document.getElementById("page").textContent).strings);
        await page.locator(".card").first().click();
        await soon("the large picture", () => page.evaluate(() => document.getElementById("details-picture").naturalWidth > 0));
        await soon("what it is", async () => (await page.textContent("#details-facts")).includes(say.article));
        expect((await page.textContent("#details-more")) === say.more_like_this, await page.textContent("#details-more"));
        await page.click("#details-more");
        await soon("others like it", async () => (await page.locator("#similar-cards li:not([hidden])").count()) > 1);
        expect((await page.textContent("#colours [aria-pressed=true]")) === say.all_colours, await page.textContent("#colours"));
        await page.click("#colours button:nth-child(2)");
        await soon("the colour", async () => (await page.textContent("#colours [aria-pressed=true]")) !== say.all_colours);
        const inDetails = await breaches(page);
        expect(inDetails.length === 0, inDetails.join("\n"));
        expect((await page.textContent("#details-close")) === say.close, await page.textContent("#details-close"));
        await page.click("#details-close");
        expect(!(await page.evaluate(() => document.getElementById("details").open)), "it is still open");
        const before = await page.textContent("#hold");
        await page.click("#hold");
        await soon("that it is held", async () => (await page.getAttribute("#hold", "aria-pressed")) === "true");
        expect((await page.textContent("#hold")) !== before, `held, the button says ${before}`);
        await page.click("#hold");
        await soon("that it is let go", async () => (await page.getAttribute("#hold", "aria-pressed")) !== "true");
      });
    }
    await context.close();
  };
  for (const [name, state] of Object.entries(states)) {
    await Promise.all(Object.keys(names).map((language) => shown(language, name, state)));
  }
}
{
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.clock.install();
  const latest = await (await fetch(`${address}/api/v1/reading`)).json();
  const nobody = { ...latest, garment: 0, known: false, matches: [], verdict: "nothing" };
  const status = { ready: true, camera: "ok", idle: true, catalogue: "ok" };
  await page.route("**/api/v1/events", (route) =>
    route.fulfill({ contentType: "text/event-stream", body: `data: ${JSON.stringify(nobody)}\n\nevent: status\ndata: ${JSON.stringify(status)}\n\n` }),
  );
  await check("the last person is forgotten", async () => {
    await page.goto(`${address}/?lang=de`);
    await soon("nobody", async () => (await look(page)).state === "none");
    const size = () => page.evaluate(() => parseFloat(getComputedStyle(document.querySelector("#message-title")).fontSize));
    await soon("an invitation that is read from across the shop", async () => (await size()) > 60);
    await page.mouse.click(600, 400);
    await page.clock.runFor(30_000);
    expect(page.url().endsWith("?lang=de"), "forgotten too soon");
    await page.clock.runFor(20_000);
    await soon("the shop's language", async () => !page.url().includes("lang"));
  });
  await check("the last person is forgotten, though a garment is still there", async () => {
    await page.unroute("**/api/v1/events");
    const one = { sku: "DEMO-001", title: "One", photo: "x.jpg", similarity: 0.9 };
    const garment = { ...latest, garment: 1, known: true, matches: [one], verdict: "confident" };
    await page.route("**/api/v1/events", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: `data: ${JSON.stringify(garment)}\n\nevent: status\ndata: ${JSON.stringify(status)}\n\n` }),
    );
    await page.goto(`${address}/?lang=de`);
    await soon("a garment", async () => (await look(page)).state === "known");
    await page.click("#cards button");
    const isOpen = () => page.evaluate(() => document.querySelector("#details").open);
    await soon("the details", isOpen);
    await page.clock.runFor(120_000);
    expect((await isOpen()) && page.url().endsWith("?lang=de"), "forgotten too soon");
    await page.clock.runFor(70_000);
    await soon("the shop's language", async () => !page.url().includes("lang") && !(await isOpen()));
  });
  await context.close();
}
{
  const { context, page } = await open("en");
  const reading = { frame: 1, engine: "cpu", ms: 1, matches: [], verdict: "nothing", known: false, garment: 0 };
  const stopped = { ready: false, camera: "ok", catalogue: "ok" };
  await page.route("**/api/v1/events", (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      body: `data: ${JSON.stringify(reading)}\n\nevent: status\ndata: ${JSON.stringify(stopped)}\n\n`,
    }),
  );
  await page.reload();
  await check("state network stopped: what was read before is not shown", async () => {
    await soon("the message", async () => {
      const now = await look(page);
      return now.state === "stopped" && now.message === "One moment please" && !now.answerSeen;
    });
  });
  await context.close();
}
for (const [language, words] of Object.entries({ en: "The camera is not connected", "zh-Hant": "相機未連接", de: "Die Kamera ist nicht angeschlossen" })) {
  const { context, page } = await open(language);
  await page.route("**/api/v1/events", (route) =>
    route.fulfill({ contentType: "text/event-stream", body: 'event: status\ndata: {"ready":true,"camera":"lost"}\n\n' }),
  );
  await page.reload();
  await check(`${language}: state camera lost: said in words`, async () => {
    await soon(words, async () => {
      const now = await look(page);
      return now.state === "lost" && now.message === words;
    });
    const found = await breaches(page);
    expect(found.length === 0, found.join("\n"));
    if (folder) await page.screenshot({ path: join(folder, `kiosk-camera-lost-${language}.png`) });
  });
  await context.close();
}

await end();
