// How long a person would need at a page, without the machine: a budget of acts by the Keystroke-Level Model (Card, Moran, Newell: "The Keystroke-Level
// Model for User Performance Time with Interactive Systems", 1980). What the machine took meanwhile is told beside it.
//
// The model's times are for a person who knows what to do. What it does not know is ours, and is on the long side: a garment held up anew, and a
// label's barcode brought before a scanner.

/// Seconds of each act.
const ACTS = {
  /// To make up one's mind before what comes next (M).
  think: 1.35,
  /// To reach a place on the screen and touch it (P and B).
  touch: 1.2,
  /// A letter on the screen's keyboard. People type 36 words a minute on their phones, 0.33 s a letter (Palin and others: "How do People Type on Mobile
  /// Devices?", 2019); half as much again for a screen that is not their own.
  letter: 0.5,
  /// A garment turned, or its label shown, and held still.
  hold: 5,
  /// The scanner taken, the barcode found and read.
  scan: 3,
};

export class Person {
  constructor(page) {
    this.page = page;
    this.counts = Object.fromEntries(Object.keys(ACTS).map((act) => [act, 0]));
    this.waited = 0;
  }

  /// So many acts of a kind.
  does(act, count = 1) {
    this.counts[act] += count;
  }

  /// Touches something, and waits for what comes of it.
  async touches(selector, { shows } = {}) {
    this.does("think");
    this.does("touch");
    await this.#waitsFor(async () => {
      await this.page.click(selector);
      if (shows) await this.page.waitForSelector(shows);
    });
  }

  /// Touches a field and types.
  async types(selector, text) {
    await this.touches(selector);
    this.does("letter", text.length);
    await this.page.keyboard.type(text);
  }

  /// A scanner types into the field that was touched, and presses Enter.
  async scans(selector, code) {
    await this.touches(selector);
    this.does("scan");
    await this.#waitsFor(async () => {
      await this.page.keyboard.type(code);
      await Promise.all([this.page.waitForNavigation(), this.page.keyboard.press("Enter")]);
    });
  }

  async #waitsFor(body) {
    const begin = performance.now();
    await body();
    this.waited += (performance.now() - begin) / 1000;
  }

  /// Seconds that the person takes, without the machine's.
  get seconds() {
    return Object.entries(this.counts).reduce((sum, [act, count]) => sum + ACTS[act] * count, 0);
  }

  /// Both times, and of what acts.
  get words() {
    const acts = Object.entries(this.counts).map(([act, count]) => `${act} ${count}`);
    return `${this.seconds.toFixed(1)} s of a person (${acts.join(", ")}) and ${this.waited.toFixed(1)} s of the machine`;
  }
}
