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
  send(message) { setTimeout(() => this.#tell("msg:custom", { answer: message.question })); }
  put(...pairs) { // several traits at once, then the news of them; says whether there was any
    const news = [];
    for (let k = 0; k < pairs.length; k += 2) {
      if (JSON.stringify(this.get(pairs[k])) === JSON.stringify(pairs[k + 1])) continue;
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
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
};
const OFF_FILM = "In the notebook this moves freely. This page holds a part of the states and went to the nearest";

class Film {
  constructor(place, data, kinds) {
    Object.assign(this, data, { place, state: -1, turn: 0 });
    this.models = this.widgets.map(([, traits], number) =>
      new Model({ ...traits }, (trait, value) => this.moved(number, trait, value)));
    this.kinds = kinds;
    this.shown = new Map();
    this.channels = this.channels.map(([widget, trait, place, sizes, chunks]) => {
      const begins = sizes.map((_, k) => sizes.slice(0, k).reduce((sum, size) => sum + size, 0));
      return { widget, trait, place, begins, chunks, texts: [] };
    });
  }

  async start() {
    const table = new Uint16Array(await inflate(this.table)), columns = [];
    for (let k = 0; k < table.length; k += this.count) columns.push(table.subarray(k, k + this.count));
    this.fields = this.fields.map(([name, widget, values], k) => ({ name, widget, values, column: columns[k] }));
    this.channels.forEach((channel, k) => { channel.column = columns[this.fields.length + k]; });
    await Promise.all(this.channels.filter((channel) => channel.chunks.length === 1).map((channel) => this.read(channel, 0)));
    await this.show(this.asked(location.hash) ?? 0, true);
    const frame = this.grow(this.tree);
    this.note = element("p", "film-note", frame);
    this.note.setAttribute("role", "status");
    this.link = element("a", "film-link", frame);
    this.link.textContent = "Link to this state";
    this.mark();
    this.place.replaceChildren(frame);
    addEventListener("hashchange", () => {
      const state = this.asked(location.hash);
      if (state !== null) { this.go(state); this.place.scrollIntoView(); }
    });
  }

  grow([classes, children]) {
    const box = element("div", classes);
    for (const child of children) {
      if (typeof child !== "number") { box.append(this.grow(child)); continue; }
      this.kinds[this.widgets[child][0]].render({ model: this.models[child], el: element("div", "", box) });
    }
    return box;
  }

  // Showing a state.
  async read(channel, chunk) {
    const texts = JSON.parse(new TextDecoder().decode(await inflate(channel.chunks[chunk])));
    texts.forEach((text, k) => { channel.texts[channel.begins[chunk] + k] = text; });
  }

  async show(state) {
    const turn = ++this.turn, missing = [];
    for (const channel of this.channels) {
      const value = channel.column[state];
      if (channel.texts[value] !== undefined) continue;
      missing.push(this.read(channel, channel.begins.findLastIndex((begin) => begin <= value)));
    }
    if (missing.length) await Promise.all(missing);
    if (turn !== this.turn) return; // a later one has come in between
    this.state = state;
    const news = this.models.map(() => ({}));
    for (const { widget, trait, place, texts, column } of this.channels) {
      const value = texts[column[state]];
      if (place < 0) news[widget][trait] = value;
      else { (news[widget][trait] ??= []); if (value !== null) news[widget][trait].push(value); }
    }
    this.models.forEach((model, k) => model.put(...Object.entries(news[k]).flat()));
    this.mark();
  }

  go(state, exact = true, others = []) {
    if (this.note) this.note.textContent = exact ? "" : `${OFF_FILM}${others.length ? `; it also moved ${others.join(" and ")}` : ""}.`;
    this.show(state);
  }

  mark() { if (this.link) this.link.href = this.address(); }

  // What the reader asked for.
  moved(widget, trait, value) {
    if (trait === "chosen") { this.choose(value[0], true); return; }
    const own = this.fields.findIndex((field) => field.widget === widget);
    const channel = this.channels.find((other) => other.widget === widget && other.trait === trait);
    if (!channel) { this.go(this.state, own < 0); return; }
    const here = channel.column[this.state], wanted = channel.texts.findIndex((text) => same(text, value));
    const target = wanted > 0 ? wanted : closest(channel.texts, value, here);
    const digits = this.fields.map((field) => field.column[this.state]);
    const state = this.nearest(digits, (k) => channel.column[k] === target, own);
    const others = this.fields.filter((field, k) => k !== own && field.column[state] !== digits[k]);
    this.go(state, wanted > 0 && others.length <= (own < 0), others.map((field) => {
      const [from, to] = [digits[this.fields.indexOf(field)], field.column[state]].map((digit) => String(field.values[digit]) || "none");
      return `${this.label(field)} from ${from} to ${to}`;
    }));
  }

  choose(preset, fromMenu = false) {
    const [target, changes] = this.presets[preset];
    const digits = fromMenu ? changes.map((digit, k) => digit ?? this.fields[k].column[this.state]) : target;
    const state = this.nearest(digits);
    this.go(state, this.fields.every((field, k) => field.column[state] === digits[k]));
  }

  label(field) { return this.models[field.widget].get("label").split(":")[0]; }

  // The state of the film that differs least from these values, among those that `fits`; field `free` may have any value.
  nearest(digits, fits = () => true, free = -1) {
    const costs = this.fields.map(({ values }, k) => values.map((value) => k === free ? 0 : distance(values, value, values[digits[k]])));
    let best = -1, least = Infinity;
    for (let state = 0; state < this.count; state++) {
      if (!fits(state)) continue;
      let cost = 0;
      for (let k = 0; k < costs.length; k++) cost += costs[k][this.fields[k].column[state]];
      if (cost < least) { best = state; least = cost; }
    }
    return best;
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
      const digit = field?.values.findIndex((value) => String(value) === text || (Array.isArray(value) && same([...value].sort(), text.split(",").filter(Boolean).sort())));
      if (digit >= 0) digits[this.fields.indexOf(field)] = digit;
    };
    if (!(first in this.presets)) set(list, first);
    for (const [name, text] of rest) set(this.fields.find((field) => name === short(field.name) || name === field.name), text);
    return this.nearest(digits);
  }
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const short = (name) => name.replace(/^size_/, "");

// How far two values of a field are apart: for numbers in steps of its values, for lists in elements, else 1.
const distance = (values, a, b) => {
  if (same(a, b)) return 0;
  if (Array.isArray(a)) return a.filter((part) => !b.includes(part)).length + b.filter((part) => !a.includes(part)).length;
  return typeof a === "number" ? Math.abs(values.indexOf(a) - values.indexOf(b)) / values.length : 1;
};

// The text on the film that comes nearest to a value; of numbers one on the way that the hand was moving, if there is one.
const closest = (texts, value, here) => {
  const held = texts.map((text, k) => k).filter((k) => texts[k] !== null), from = texts[here];
  const onward = typeof value === "number" ? held.filter((k) => (texts[k] - from) * (value - from) > 0) : [];
  const apart = (k) => Array.isArray(value) ? distance(texts, value, texts[k]) : typeof value === "number" ? Math.abs(texts[k] - value) : 1;
  return (onward.length ? onward : typeof value === "string" ? [here] : held).reduce((a, b) => (apart(b) < apart(a) ? b : a));
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

// Whatever is wider than its place scrolls there, with the keyboard too.
const reachable = () => {
  for (const box of document.querySelectorAll(".scroll, .formula, pre, .lstm-panel, .lstm-graph")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
};
addEventListener("resize", reachable);

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
    kinds.Sentence.render({ el, model: new Model({ parts, chosen: [] }, (_, [preset]) => films.get(film).choose(preset)) });
  });
  filled("prediction", (el, { outcome, ...asked }) => {
    const model = new Model({ ...asked, predicted: "", outcome: {} }, () => model.put("outcome", outcome));
    kinds.Prediction.render({ el, model });
  });
  filled("exercise", exercise);
  await Promise.all(started);
  reachable();
  performance.mark("played");
  document.documentElement.dataset.played = "";
};
