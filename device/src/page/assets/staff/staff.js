// What the staff's pages do beyond their forms; every page works without it.

/// Live pictures: the next one is asked for when the last one is there.
for (const image of document.querySelectorAll("img[data-live]")) {
  const next = () => setTimeout(() => document.hidden ? next() : (image.src = `${image.dataset.live}?at=${Date.now()}`), 300);
  image.addEventListener("load", next);
  image.addEventListener("error", () => setTimeout(next, 1000));
  next();
}

/// Digits to touch, where there is no keyboard: for the field that was touched last.
for (const pad of document.querySelectorAll("[data-pad]")) {
  const fields = pad.dataset.pad.split(" ").map((id) => document.getElementById(id));
  let field = fields[0];
  const choose = (one) => {
    field = one;
    for (const other of fields) other.classList.toggle("typed", fields.length > 1 && other === one);
  };
  for (const one of fields) one.addEventListener("focus", () => choose(one));
  choose(field);
  pad.hidden = field.disabled;
  pad.addEventListener("click", (event) => {
    const digit = event.target.dataset?.digit;
    if (digit === undefined) return;
    field.value = digit === "" ? field.value.slice(0, -1) : (field.value + digit).slice(0, field.maxLength);
  });
}

/// The appliance is opened again: once it answers, its staff's page follows. It ends a moment after it has answered, so that is waited for.
for (const line of document.querySelectorAll("[data-opened-again]")) {
  const look = async () => {
    try {
      if ((await fetch(line.dataset.openedAgain)).ok) return location.replace(line.dataset.to);
    } catch {
      // It is away for a moment.
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 5000);
}

/// A scanner types over what is there.
for (const field of document.querySelectorAll("input[data-select]")) {
  field.addEventListener("focus", () => field.select());
  if (field === document.activeElement) field.select();
}

/// An offer is looked at until it is over, and the page shows what came of it.
for (const shown of document.querySelectorAll("[data-offer]")) {
  const look = async () => {
    try {
      const answer = await fetch(shown.dataset.offer);
      if (!answer.ok || !(await answer.json()).offered) return location.reload();
    } catch {
      // The appliance is away for a moment.
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}

/// A wait counts down, and the page comes back when it is over.
for (const notice of document.querySelectorAll("[data-wait]")) {
  const words = notice.textContent;
  const whole = Number(notice.dataset.wait);
  const end = performance.now() + whole * 1000;
  const tick = setInterval(() => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left > 0) {
      notice.textContent = words.replace(String(whole), String(left));
    } else {
      clearInterval(tick);
      const to = document.querySelector("input[name=to]")?.value ?? "/staff";
      location.replace(`/staff/login?to=${to}&lang=${document.documentElement.lang}`);
    }
  }, 1000);
}

/// An import: its counts, and its page anew when something else is to be said.
for (const line of document.querySelectorAll("[data-progress]")) {
  const bar = document.querySelector("progress");
  let before;
  const look = async () => {
    try {
      const answer = await fetch(line.dataset.progress);
      const now = await answer.json();
      if (!answer.ok || (before ?? now.state) !== now.state || !["trying", "making", "copying"].includes(now.state)) return location.reload();
      before = now.state;
      if (now.total !== null && now.state !== "copying") {
        const values = { done: now.embedded, total: now.total, stored: now.stored };
        line.textContent = line.dataset.words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
        if (now.total > 0) bar.value = Math.min(100, (now.embedded * 100) / now.total);
      }
    } catch {
      // The program may be starting again: it is asked until it answers.
    }
    setTimeout(look, 1000);
  };
  look();
}

/// The light meter.
for (const meter of document.querySelectorAll("[data-light]")) {
  const look = async () => {
    try {
      const answer = await fetch(meter.dataset.light);
      const light = answer.ok && (await answer.json());
      const notice = meter.querySelector(".notice");
      const bar = meter.querySelector("meter");
      if (!light !== !bar) return location.reload();
      if (light) {
        const words = meter.dataset[light.verdict];
        if (notice.textContent !== words) notice.textContent = words;
        notice.classList.toggle("good", light.verdict === "good");
        bar.value = (light.mean * 100) / 255;
        for (const name of ["dark", "bright"]) meter.querySelector(`[data-value=${name}]`).textContent = `${Math.round(light[name] * 100)} %`;
      }
    } catch {
      // The program may be starting again: it is asked until it answers.
    }
    setTimeout(look, 500);
  };
  if (meter.querySelector("meter")) look();
  else setTimeout(() => location.reload(), 3000);
}

/// While the screen is wiped nothing is touched, and it counts down.
for (const count of document.querySelectorAll("[data-cleaning]")) {
  for (const kind of ["pointerdown", "pointerup", "click", "touchstart", "touchmove", "keydown", "wheel", "contextmenu"]) {
    addEventListener(kind, (event) => event.preventDefault(), { capture: true, passive: false });
  }
  const end = performance.now() + Number(count.dataset.cleaning) * 1000;
  const tick = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    count.textContent = left;
    if (left === 0) {
      clearInterval(tick);
      location.replace("/staff");
    }
  }, 250);
}

/// Who goes away leaves nothing on the screen: the customers' page comes back when the session has ended for want of use.
if (document.body.dataset.idle) {
  let used = Date.now();
  for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, () => (used = Date.now()), { passive: true });
  setInterval(() => Date.now() - used > Number(document.body.dataset.idle) * 1000 && location.replace("/"), 5000);
}
