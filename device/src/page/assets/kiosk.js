// The kiosk page: readings come by one event stream, pictures by their own address, and only what changed is touched.
const page = JSON.parse(document.getElementById("page").textContent);
const say = page.strings;
const body = document.body;
const byId = (id) => document.getElementById(id);
const percent = new Intl.NumberFormat(page.language, { style: "percent", maximumFractionDigits: 0 });

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// --- the live picture: two layers, the hidden one is loaded and shown when it is whole, so nothing flickers ---
const layers = [byId("layer-a"), byId("layer-b")];
let shown = 1;
let isLoading = false;
let wanted = null;

async function showFrame(number) {
  wanted = number;
  if (isLoading) return;
  isLoading = true;
  while (wanted !== null) {
    const next = layers[1 - shown];
    next.src = `/api/v1/frame.jpg?frame=${wanted}`;
    wanted = null;
    try {
      await next.decode();
    } catch {
      continue;
    }
    const before = layers[shown];
    shown = 1 - shown;
    next.classList.add("is-shown");
    before.classList.remove("is-shown");
    next.alt = say.live;
    next.removeAttribute("aria-hidden");
    before.alt = "";
    before.setAttribute("aria-hidden", "true");
    body.classList.add("has-frame");
  }
  isLoading = false;
}

// --- the two categories ---
function showCategory(element, names, answer) {
  const words = percent.format(answer.probability);
  setText(element.querySelector(".label"), names[answer.label] ?? answer.label);
  setText(element.querySelector(".sure"), say.sure.replace("{percent}", words));
  const bar = element.querySelector(".bar");
  bar.setAttribute("aria-valuenow", String(Math.round(answer.probability * 100)));
  bar.setAttribute("aria-valuetext", words);
  bar.firstElementChild.style.transform = `translateX(${(answer.probability - 1) * 100}%)`;
}

// --- the matches: a fixed row of cards that are filled anew, so that focus and layout stay ---
function newCard(row) {
  const item = byId("card").content.firstElementChild.cloneNode(true);
  item.hidden = true;
  row.append(item);
  const card = { item, button: item.querySelector("button"), match: null };
  card.button.addEventListener("click", () => openDetails(card));
  return card;
}
const cards = Array.from({ length: page.matches }, () => newCard(byId("cards")));

// Similarity in words: how far it lies above what the shop's threshold calls the same garment.
function roomAbove(similarity) {
  return (similarity - page.confident_threshold) / (1 - page.confident_threshold);
}
function similarityInWords(similarity) {
  const room = roomAbove(similarity);
  if (room >= 0.7) return say.same;
  if (room >= 0.3) return say.very_like;
  return room >= 0 ? say.like : say.little_like;
}

function showSimilarity(element, similarity) {
  setText(element, similarityInWords(similarity));
  element.classList.toggle("is-less", roomAbove(similarity) < 0);
}

// Of each article what the catalogue said of it last; forgotten when the catalogue is changed.
const articles = new Map();
function article(sku) {
  if (!articles.has(sku)) {
    if (articles.size > 500) articles.clear();
    const answer = fetch(`/api/v1/catalogue/${encodeURIComponent(sku)}`)
      .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
      .catch(() => {
        // Asked again the next time.
        if (articles.get(sku) === answer) articles.delete(sku);
        return {};
      });
    articles.set(sku, answer);
  }
  return articles.get(sku);
}
function forgetArticles() {
  articles.clear();
  for (const card of [...cards, ...similarCards]) if (card.match) card.match = { ...card.match, isOld: true };
}

function price(article) {
  const amount = Number(article.price);
  if (!article.price || !Number.isFinite(amount)) return article.price ?? "";
  try {
    return new Intl.NumberFormat(page.language, { style: "currency", currency: article.currency ?? "" }).format(amount);
  } catch {
    return [article.price, article.currency].filter(Boolean).join(" ");
  }
}

async function showMatch(card, match) {
  const before = card.match;
  card.match = match;
  card.item.hidden = match === undefined;
  if (match === undefined) return;
  showSimilarity(card.item.querySelector(".similarity"), match.similarity);
  if (before?.sku === match.sku && before?.photo === match.photo && !before.isOld) return;
  setText(card.item.querySelector(".name"), match.title);
  card.item.querySelector("img").src = photoAddress(match);
  const facts = await article(match.sku);
  if (card.match?.sku !== match.sku) return;
  setText(card.item.querySelector(".price"), price(facts));
  setText(card.item.querySelector(".variants"), [...(facts.colours ?? []), ...(facts.sizes ?? [])].join(" · "));
}

const photoAddress = (match) => `/api/v1/catalogue/${encodeURIComponent(match.sku)}/photo?name=${encodeURIComponent(match.photo)}`;

// --- one garment of the shop, large ---
const details = byId("details");
let detailed = null;
async function openDetails(card) {
  const match = card.match;
  if (!match) return;
  detailed = match;
  byId("similar").hidden = true;
  setText(byId("details-title"), match.title);
  showSimilarity(byId("details-similarity"), match.similarity);
  setText(byId("details-price"), "");
  setText(byId("details-facts"), `${say.article} ${match.sku}`);
  byId("details-picture").src = photoAddress(match);
  byId("details-picture").alt = match.title;
  if (!details.open) details.showModal();
  details.scrollTop = 0;
  const facts = await article(match.sku);
  if (detailed !== match) return;
  setText(byId("details-price"), price(facts));
  const more = [...(facts.colours ?? []), ...(facts.sizes ?? [])].join(" · ");
  setText(byId("details-facts"), [more, `${say.article} ${match.sku}`].filter(Boolean).join("\n"));
}
byId("details-close").addEventListener("click", () => details.close());
details.addEventListener("click", (event) => event.target === details && details.close());

// --- more like it, in one colour if wished ---
const MOST_COLOURS = 8;
const similarCards = Array.from({ length: page.matches }, () => newCard(byId("similar-cards")));
async function ask(address) {
  try {
    const response = await fetch(address);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

let askedColour = "";
async function showSimilar(match, colour) {
  askedColour = colour;
  const wish = new URLSearchParams({ top: page.matches, ...(colour && { colour }) });
  const answer = await ask(`/api/v1/catalogue/${encodeURIComponent(match.sku)}/similar?${wish}`);
  if (detailed !== match || askedColour !== colour) return;
  const found = answer?.matches ?? [];
  similarCards.forEach((card, index) => showMatch(card, found[index]));
  setText(byId("similar-none"), found.length > 0 ? "" : answer === null ? say.catalogue_lost : colour ? say.none_like_this : say.not_in_shop);
  for (const button of byId("colours").children) button.setAttribute("aria-pressed", String(button.value === colour));
  byId("similar").hidden = false;
  byId("similar").scrollIntoView({ block: "nearest" });
}

byId("details-more").addEventListener("click", async () => {
  const match = detailed;
  const colours = ((await ask("/api/v1/colours"))?.colours ?? []).slice(0, MOST_COLOURS);
  if (detailed !== match) return;
  const all = { colour: "", text: say.all_colours };
  byId("colours").replaceChildren(
    ...[all, ...colours].map(({ colour, text }) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", value: colour, textContent: text ?? colour });
      button.addEventListener("click", () => showSimilar(match, colour));
      return button;
    }),
  );
  await showSimilar(match, "");
});

// --- what is shown when ---
function showMessage(state) {
  body.dataset.state = state;
  const [title, more] = { starting: ["starting", "starting_more"], none: ["invite", "invite_more"], lost: ["camera_lost", "camera_lost_more"], stopped: ["stopped", "stopped_more"], unknown: ["unknown", "unknown_more"] }[state] ?? [];
  if (title) {
    setText(byId("message-title"), say[title]);
    setText(byId("message-more"), say[more]);
  }
}

// --- a customer who wants to read in peace holds what is seen; it is let go by a second touch, or when nobody is there ---
const HELD_FOR = 60_000;
let heldUntil = 0;
function hold(isHeld) {
  heldUntil = isHeld ? Date.now() + HELD_FOR : 0;
  byId("hold").setAttribute("aria-pressed", String(isHeld));
  setText(byId("hold"), isHeld ? say.go_on : say.take_look);
}
byId("hold").addEventListener("click", () => hold(heldUntil === 0));

// --- the last person is forgotten: what was opened is closed, and the language is the shop's again ---
const FORGET_AFTER = 45_000;
// A garment that hangs behind a customer is still there when the customer has gone.
const FORGET_IN_ANY_CASE_AFTER = 180_000;
let touched = 0;
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (touched = Date.now()), { passive: true });
function forget() {
  touched = 0;
  details.close();
  hold(false);
  if (location.search !== "") location.replace("/");
}
setInterval(() => {
  if (heldUntil !== 0 && Date.now() > heldUntil) hold(false);
  const isNobodyThere = ["none", "starting", "lost"].includes(body.dataset.state);
  if (touched !== 0 && Date.now() - touched > (isNobodyThere ? FORGET_AFTER : FORGET_IN_ANY_CASE_AFTER)) forget();
}, 1000);

function showReading(reading) {
  if (heldUntil !== 0) return;
  showFrame(reading.frame);
  setText(byId("engine"), reading.engine);
  setText(byId("latency"), `${new Intl.NumberFormat(page.language, { maximumFractionDigits: 0 }).format(reading.ms)} ms`);
  showMatches(reading);
  if (reading.known) {
    showCategory(byId("category26"), page.category26, reading.category26);
    showCategory(byId("category14"), page.category14, reading.category14);
  }
  showMessage(reading.known ? "known" : reading.garment >= page.garment_threshold ? "unknown" : "none");
}

// Without its catalogue a shop is not said to have nothing like it.
let isSearchable = true;
let reembedding = null;
function whyNotSearchable() {
  if (reembedding === null) return say.catalogue_lost;
  return say.catalogue_reembedding.replace("{percent}", percent.format(reembedding.done / Math.max(1, reembedding.photos)));
}
// Whether someone asked for the closest of what is not like the garment; until something else is said of it.
let isClosestAsked = false;
const titles = { confident: "in_shop", similar: "perhaps_in_shop", nothing: "not_in_shop" };
let latest = null;
function showMatches(reading) {
  latest = reading;
  const isNothing = reading.verdict === "nothing" && reading.matches.length > 0;
  isClosestAsked &&= isNothing;
  body.toggleAttribute("data-matches", reading.matches.length > 0 || reading.known);
  if (isNothing) body.dataset.closest = isClosestAsked ? "shown" : "offered";
  else delete body.dataset.closest;
  setText(byId("matches-title"), isSearchable ? say[titles[reading.verdict]] : whyNotSearchable());
  const areClosest = reading.verdict === "similar" || isClosestAsked;
  setText(byId("matches-more"), areClosest ? say.closest : "");
  cards.forEach((card, index) => showMatch(card, reading.matches[index]));
}
byId("show-closest").addEventListener("click", () => {
  isClosestAsked = true;
  showMatches(latest);
  cards[0].button.focus();
});

// --- the connection and the camera ---
let isConnected = true;
function showNotice() {
  const key = isConnected ? null : "connection_lost";
  const notice = byId("notice");
  notice.classList.toggle("is-shown", key !== null);
  setText(notice.querySelector("strong"), key ? say[key] : "");
  setText(notice.querySelector("span"), key ? say[`${key}_more`] : "");
}

// Without a camera or a network nothing that was read before holds any more; the next reading says that all is well again.
function showStatus(status) {
  isSearchable = status.catalogue !== "failed";
  reembedding = status.reembedding ?? null;
  const wasRead = body.dataset.state !== "starting";
  const state = status.camera === "lost" ? "lost" : !status.ready && wasRead ? "stopped" : null;
  body.toggleAttribute("data-idle", status.idle === true);
  if (state === null || body.dataset.state === state) return;
  hold(false);
  body.removeAttribute("data-matches");
  delete body.dataset.closest;
  showMessage(state);
}

let stream = null;
let heard = Date.now();
function connect() {
  stream?.close();
  heard = Date.now();
  stream = new EventSource("/api/v1/events");
  const hear = (use) => (event) => {
    heard = Date.now();
    isConnected = true;
    use(JSON.parse(event.data));
    showNotice();
  };
  stream.onmessage = hear(showReading);
  stream.addEventListener("status", hear(showStatus));
  stream.addEventListener("catalogue", hear(forgetArticles));
  // The first of each connection: what was changed before it was not heard. Another network has other thresholds, and maybe other categories; other
  // settings have other words or colours.
  stream.addEventListener("page", hear((madeOf) => (madeOf === page.made_of ? forgetArticles() : location.reload())));
}
connect();
// The server sends its status every two seconds; silence means that the line is down, whatever the browser thinks.
setInterval(() => {
  if (Date.now() - heard < 5000) return;
  isConnected = false;
  showNotice();
  connect();
}, 1000);
