// Plays films of explorers: looks up what their widgets show in each state, and hands it to the widgets' own JavaScript.
// Nothing is computed here but which state comes nearest to what was asked.

// What a widget's JavaScript knows of its model, where no kernel is.
class Model {
  #traits; #heard = {}; #changed = new Set(); #moved;
  constructor(traits, moved = () => {}) { this.#traits = traits; this.#moved = moved; }
  get(name) { return this.#traits[name]; }
  set(name, value) { if (this.put(name, value)) this.#changed.add(name); }
  save_changes() { for (const name of this.#changed) { this.#changed.delete(name); this.#moved(name, this.get(name)); } }
  on(event, hear) { (this.#heard[event] ??= []).push(hear); }
  off(event, hear) { this.#heard[event] = (this.#heard[event] ?? []).filter((other) => other !== hear); }
  send({ question, chosen }) {
    this.#tell("msg:custom", { answer: question });
    if (chosen) this.#moved("chosen", chosen);
  }
  put(...pairs) { // several traits at once, then the news of them; says whether there was any
    const news = [];
    for (let k = 0; k < pairs.length; k += 2) {
      if (same(this.get(pairs[k]), pairs[k + 1])) continue;
      this.#traits[pairs[k]] = pairs[k + 1]; news.push(pairs[k]);
    }
    for (const name of news) this.#tell(`change:${name}`);
    return news.length > 0;
  }
  #tell(event, message) { for (const hear of this.#heard[event] ?? []) hear(message); }
}

const element = (tag, classes, parent) => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  parent?.append(made);
  return made;
};
const inflate = async (text) => {
  const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
};
const idle = () => new Promise((go) => (window.requestIdleCallback ?? setTimeout)(go));
const OFF_FILM = "In the notebook this moves freely.";

class Film {
  constructor(place, data, kinds) {
    Object.assign(this, data, { place, kinds, state: -1, turn: 0, byKeys: false, boxes: [] });
    this.models = this.widgets.map(([, traits], number) =>
      new Model({ ...traits }, (trait, value) => this.moved(number, trait, value)));
    this.channels = this.channels.map(([widget, trait, place, sizes, chunks]) => {
      const begins = sizes.map((_, k) => sizes.slice(0, k).reduce((sum, size) => sum + size, 0));
      return { widget, trait, place, begins, chunks, texts: [], reading: [] };
    });
  }

  async start() {
    const table = new Uint16Array(await inflate(this.table)), columns = [];
    for (let k = 0; k < table.length; k += this.count) columns.push(table.subarray(k, k + this.count));
    this.channels.forEach((channel, k) => { channel.column = columns[this.fields.length + k]; });
    this.fields = this.fields.map(([name, widget, values], k) => ({ name, widget, values, column: columns[k],
      shown: this.channels.find((channel) => channel.widget === widget && ["index", "value"].includes(channel.trait)) }));
    await Promise.all(this.channels.filter((channel) => channel.chunks.length === 1).map((channel) => this.read(channel, 0)));
    this.note = element("p", "film-note");
    this.note.setAttribute("role", "status");
    this.link = element("a", "film-link");
    this.link.textContent = "Link to this state";
    await this.reach(this.asked(location.hash) ?? this.presets.Reset[0]);
    const frame = this.grow(this.tree);
    frame.append(this.note, this.link);
    this.place.replaceChildren(frame);
    for (const event of ["keydown", "pointerdown"]) {
      this.place.addEventListener(event, () => { this.byKeys = event === "keydown"; }, true);
    }
    // A finger does not focus a slider; the page shows the verdict to whom has the focus.
    this.place.addEventListener("input", ({ target }) => target.focus({ preventScroll: true }));
    addEventListener("hashchange", () => {
      const digits = this.asked(location.hash);
      if (digits) { this.reach(digits); this.place.scrollIntoView(); }
    });
  }

  grow([classes, children]) {
    const box = element("div", classes);
    for (const child of children) {
      if (typeof child !== "number") { box.append(this.grow(child)); continue; }
      this.boxes[child] = element("div", "", box);
      this.kinds[this.widgets[child][0]].render({ model: this.models[child], el: this.boxes[child] });
    }
    return box;
  }

  // Showing a state.
  read(channel, chunk) {
    return channel.reading[chunk] ??= (async () => {
      const texts = JSON.parse(new TextDecoder().decode(await inflate(channel.chunks[chunk])));
      texts.forEach((text, k) => { channel.texts[channel.begins[chunk] + k] = text; });
      channel.chunks[chunk] = "";
    })();
  }

  async readAhead() { // whatever is not read yet, while there is nothing else to do
    for (const channel of this.channels) {
      for (const chunk of channel.chunks.keys()) { await idle(); await this.read(channel, chunk); }
    }
  }

  async show(state) {
    const turn = ++this.turn, missing = [];
    this.state = state;
    for (const channel of this.channels) {
      const value = channel.column[state];
      if (channel.texts[value] !== undefined) continue;
      missing.push(this.read(channel, channel.begins.findLastIndex((begin) => begin <= value)));
    }
    if (missing.length) await Promise.all(missing);
    if (turn !== this.turn) return; // a later one has come in between
    const news = this.models.map(() => ({}));
    for (const { widget, trait, place, texts, column } of this.channels) {
      const value = texts[column[state]];
      if (place < 0) news[widget][trait] = value;
      else { (news[widget][trait] ??= []); if (value !== null) news[widget][trait].push(value); }
    }
    this.models.forEach((model, k) => model.put(...Object.entries(news[k]).flat()));
    this.link.href = this.address();
  }

  go(state, ...words) { this.note.replaceChildren(...words); return this.show(state); }

  // What the reader asked for. Nothing that stands is changed but what was moved; where the page does not hold that,
  // it goes to the nearest that it holds, and says how to come to what was asked for.
  moved(widget, trait, value) {
    if (trait === "chosen") { this.choose(value, true); return; }
    const field = this.fields.find((each) => each.widget === widget), { texts, column } = field.shown;
    const states = this.having(this.fields.filter((each) => each !== field).map((each) => [each.column, each.column[this.state]]));
    const exact = states.find((state) => same(texts[column[state]], value));
    if (exact !== undefined) { this.go(exact); return; }
    const held = [...new Set(states.map((state) => this.said(field, state)))].join(", ");
    this.go(closest(states, (state) => texts[column[state]], value, this.state, this.byKeys),
      `${OFF_FILM} With the rest as it is, this page holds ${held} only. `, ...this.way(field, value));
  }

  way(field, value) { // to the nearest state in which the field has this value
    const { texts, column } = field.shown, digits = this.fields.map((each) => each.column[this.state]);
    const states = this.having([[column, texts.findIndex((text) => same(text, value))]]);
    if (!states.length) return [];
    const state = this.nearest(digits, states, field), button = element("button");
    button.textContent = `Go to ${this.said(field, state)} with ${this.changes(digits, state, field).join(" and ")}`;
    button.addEventListener("click", () => {
      this.go(state);
      this.boxes[field.widget].querySelector("input, select, [tabindex]").focus();
    });
    return [button];
  }

  choose(preset, fromMenu = false) {
    const [target, changes] = this.presets[preset];
    this.reach(fromMenu ? changes.map((digit, k) => digit ?? this.fields[k].column[this.state]) : target);
  }

  reach(digits) { // the state with these values (-1: one that the page does not hold), or the nearest
    const [held] = this.having(this.fields.map((field, k) => [field.column, digits[k]]));
    const state = held ?? this.nearest(digits), changes = this.changes(digits, state);
    return this.go(state, changes.length ? `${OFF_FILM} This page went to the nearest state that it holds: ${changes.join(", ")}.` : "");
  }

  // The fields but `own` that have other values in the state, and which, in words.
  changes(digits, state, own) {
    const others = this.fields.filter((field, k) => field !== own && field.column[state] !== digits[k]);
    return others.map((field) => `${this.models[field.widget].get("label").split(/:| \(/)[0]} ${this.said(field, state)}`);
  }

  said({ widget, shown: { texts, column } }, state) {
    const value = texts[column[state]];
    return Array.isArray(value) ? `{${value.join(", ")}}` : this.models[widget].get("texts")?.[value] ?? (value ? "on" : "off");
  }

  having(wanted) { // the states that have these values: [[column, value], ...]
    const found = [];
    for (let state = 0; state < this.count; state++) if (wanted.every(([column, value]) => column[state] === value)) found.push(state);
    return found;
  }

  // Of these states the one that differs least from these values; field `free` may have any value.
  nearest(digits, states = this.having([]), free = null) {
    const costs = this.fields.map((field, k) => field.values.map((value) =>
      field === free || digits[k] < 0 ? 0 : distance(field.values, value, field.values[digits[k]])));
    const cost = (state) => costs.reduce((sum, each, k) => sum + each[this.fields[k].column[state]], 0);
    return least(states, cost);
  }

  // Links to states: #laboratory=dz&X=8&T=4. The first value is a preset, or that of the field which is a list.
  address() {
    const value = (field) => { const own = field.values[field.column[this.state]]; return Array.isArray(own) ? own.join(",") : own; };
    const list = this.fields.find((field) => Array.isArray(field.values[0]));
    const first = list ? value(list) : "Reset", start = this.presets.Reset[0];
    const rest = this.fields.filter((field, k) => field !== list && field.column[this.state] !== start[k]);
    return `#${new URLSearchParams([[this.name, first], ...rest.map((field) => [short(field.name), value(field)])])}`.replaceAll("%2C", ",");
  }

  asked(hash) {
    const words = [...new URLSearchParams(hash.slice(1))];
    if (words.length === 0 || words[0][0] !== this.name || !hash.includes("=")) return null;
    const [[, first], ...rest] = words, list = this.fields.find((field) => Array.isArray(field.values[0]));
    const digits = [...(this.presets[first] ?? this.presets.Reset)[0]];
    const set = (field, text) => {
      const fits = (value) => Array.isArray(value) ? same([...value].sort(), text.split(",").filter(Boolean).sort()) : String(value) === text;
      if (field) digits[this.fields.indexOf(field)] = field.values.findIndex(fits);
    };
    if (!(first in this.presets)) set(list, first);
    for (const [name, text] of rest) set(this.fields.find((field) => name === short(field.name) || name === field.name), text);
    return digits;
  }
}

const same = (a, b) => a === b || (Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((part, k) => same(part, b[k]))
  : a instanceof Object && JSON.stringify(a) === JSON.stringify(b));
const least = (all, cost) => all.reduce(([best, low], one) => cost(one) < low ? [one, cost(one)] : [best, low], [undefined, Infinity])[0];
const short = (name) => name.replace(/^size_/, "");

// How far two values of a field are apart: for numbers in steps of its values, for lists in elements, else 1.
const distance = (values, a, b) => {
  if (same(a, b)) return 0;
  if (Array.isArray(a)) return a.filter((part) => !b.includes(part)).length + b.filter((part) => !a.includes(part)).length;
  return typeof a === "number" ? Math.abs(values.indexOf(a) - values.indexOf(b)) / values.length : 1;
};

// The state whose value comes nearest to what was asked for; by keys the next on the way, for one step may be off the film.
const closest = (states, value, asked, here, byKeys) => {
  const from = value(here), number = typeof asked === "number";
  const onward = number && byKeys ? states.filter((state) => (value(state) - from) * (asked - from) > 0) : [];
  const apart = (state) => Array.isArray(asked) ? distance([], asked, value(state)) : number ? Math.abs(value(state) - asked) : 1;
  return least(onward.length ? onward : [here, ...states], apart);
};

// The theme of the reader's system.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light"; };
dark.addEventListener("change", follow);
follow();

// An exercise whose answers are choices and numbers: what is said to them was written down when the book was made.
const exercise = (place, { fields, right }) => {
  const form = element("form", "lstm-prediction", place), set = element("fieldset", "", form);
  element("legend", "", set).textContent = "Your answer";
  const inputs = fields.map(([name, , kind]) => {
    const label = element("label", "", set), input = document.createElement(kind === "number" ? "input" : "select");
    if (kind === "number") Object.assign(input, { type: "number", step: "any" });
    else input.append(new Option("…", ""), ...kind.map((option) => new Option(String(option).replace(/^[tf]/, (letter) => typeof option === "boolean" ? letter.toUpperCase() : letter))));
    input.required = true; label.append(name, input);
    return input;
  });
  element("button", "", set).textContent = "Check";
  const told = element("p", "lstm-told", form);
  told.setAttribute("role", "status");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = fields.findIndex(([, wanted, kind, tolerance], k) => kind === "number"
      ? !(Math.abs(inputs[k].value - wanted) <= tolerance * Math.abs(wanted) * 1.001)
      : inputs[k].value.toLowerCase() !== String(wanted).toLowerCase());
    const given = wrong < 0 ? "" : inputs[wrong].value, [, , kind, , hints, usual] = fields[wrong] ?? [];
    told.textContent = wrong < 0 ? right : (hints[kind === "number" ? String(Number(given)) : given] ?? usual).replace("\0", given);
  });
};

// Whatever is wider than its place scrolls there, with the keyboard too. In a formula, what stands side by side is first
// put one below the other, and all of it made a little smaller.
const room = (box) => box.clientWidth / Math.max(box.scrollWidth - 1, 1);
const fit = (formula) => {
  formula.style.fontSize = "";
  formula.classList.remove("below");
  if (room(formula) < 0.9 && formula.querySelector(".narrow")) formula.classList.add("below");
  if (room(formula) > 0.7 && room(formula) < 1) formula.style.fontSize = `${Math.floor(98 * room(formula))}%`;
};
const shrink = (text) => { // not below 11 pixels
  text.style.setProperty("--fit", 1);
  if (room(text) > 0.9 && room(text) < 1) text.style.setProperty("--fit", 0.9);
};
const reachable = () => {
  for (const box of document.querySelectorAll(".scroll, .formula, pre, .lstm-panel, .lstm-graph")) {
    box.classList.remove("sideways", "broad");
    if (box.matches(".formula")) fit(box);
    if (box.matches("pre")) shrink(box);
    if (box.matches(".scroll") && room(box) < 1) box.classList.add("broad");
    const sideways = room(box) < 1;
    if (sideways) box.tabIndex = 0; else box.removeAttribute("tabindex");
    box.classList.toggle("sideways", sideways);
  }
};
addEventListener("resize", reachable);
document.addEventListener("click", ({ target }) => {
  if (target.matches("figure img")) { target.closest("figure").classList.toggle("whole"); reachable(); }
});

// What stands on this page.
const films = new Map();
const filled = (kind, fill) => {
  for (const place of document.querySelectorAll(`[data-${kind}]`)) { place.replaceChildren(); fill(place, JSON.parse(place.dataset[kind])); }
};
const play = async (kinds) => {
  const started = [...document.querySelectorAll('script[type="application/json"].film')].map((script) => {
    const data = JSON.parse(script.textContent), film = new Film(document.getElementById(data.name), data, kinds);
    films.set(data.name, film);
    return film.start();
  });
  filled("sentence", (el, { film, parts }) => {
    kinds.Sentence.render({ el, model: new Model({ parts }, (_, preset) => films.get(film).choose(preset)) });
  });
  filled("prediction", (el, { outcome, ...asked }) => {
    const model = new Model({ ...asked, predicted: "", outcome: {} }, () => model.put("outcome", outcome));
    kinds.Prediction.render({ el, model });
  });
  filled("exercise", exercise);
  await Promise.all([...started, document.fonts.ready]);
  reachable();
  performance.mark("played");
  document.documentElement.dataset.played = "";
  for (const film of films.values()) await film.readAhead();
  performance.mark("read");
};
