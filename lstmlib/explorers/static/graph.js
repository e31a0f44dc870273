export default { render({ model, el }) {
  const make = (tag, name, ...content) => {
    const part = document.createElement(tag); part.className = name; part.append(...content); return part;
  };
  const often = (count) => ["never", "once", "twice"][count] ?? `${count} times`;
  const WEIGHTS = { Wx: "Wx, Wh, b", Wy: "Wy, by" };
  const box = make("div", "lstm-panel"), boxes = make("div", "lstm-boxes"), chips = make("div", "lstm-chips");
  const told = make("div", "lstm-path"), [previous, next] = ["previous", "next"].map((way) => make("button", "", way));
  const bar = make("div", "lstm-bar", chips, told);
  const wide = make("p", "lstm-wide", "The graph goes on sideways: scroll it.");
  el.classList.add("lstm-control", "lstm-graph"); el.append(box, wide, boxes, bar); told.setAttribute("role", "status");
  let shown = false;  // where not all of it has room, its end: there stand the names
  const sized = new ResizeObserver(() => {
    wide.hidden = box.scrollWidth <= box.clientWidth + 1;
    if (!wide.hidden && !shown) box.scrollLeft = box.scrollWidth;
    shown = !wide.hidden;
  });

  const send = (edges) => {  // in the kernel's order: else it would send its own, perhaps over a later click
    const all = [...el.querySelectorAll("[data-edge]")].map((edge) => edge.dataset.edge);
    model.set("value", all.filter((edge) => edges.includes(edge))); model.save_changes();
  };
  const toggle = (name) => {
    const edges = model.get("value");
    send(edges.includes(name) ? edges.filter((edge) => edge !== name) : [...edges, name]);
  };

  // Paths: `groups` holds those to a weight that are divided equally often; one of a group is lit.
  let groups = {}, lit = null, pinned = null;
  const edgeOf = (part) => part.split(" ")[0];
  const isEdge = (part) => el.querySelector(`[data-edge="${edgeOf(part)}"]`) !== null;
  const light = (at) => {
    lit = at && groups[at.group] ? at : null;
    const path = lit ? groups[lit.group].paths[lit.index] : [];
    const edges = model.get("value"), steps = make("span", "lstm-steps");
    let divisions = 0;
    el.querySelectorAll("[data-at]").forEach((part) => part.classList.remove("lit"));
    path.forEach((part) => {
      const on = edges.includes(edgeOf(part));
      divisions += on;
      el.querySelectorAll(`[data-at="${part}"]`).forEach((drawn) => {
        drawn.classList.add("lit");
        const text = drawn.querySelector(".badge text");
        if (text && on) text.textContent = divisions;
      });
      if (!isEdge(part)) return;
      const [name, t] = part.split(" "), step = make(on ? "b" : "span", "", name);
      if (Number(t)) step.append(make("sub", "", t));
      if (on) step.append(` (${divisions})`);
      steps.append(...(steps.childNodes.length ? [" → "] : []), step);
    });
    box.querySelector("g").classList.toggle("lstm-lighting", lit !== null);
    chips.querySelectorAll("button").forEach((chip) => {
      chip.setAttribute("aria-pressed", String(pinned !== null && chip.dataset.group === pinned.group));
      chip.classList.toggle("lit", lit !== null && chip.dataset.group === lit.group);
    });
    if (!lit) {
      label(); told.replaceChildren("A gradient is a sum over paths. Choose a number of them: one lights up.");
      return;
    }
    const { weight, count, paths } = groups[lit.group];
    const which = paths.length > 1 ? `Path ${lit.index + 1} of the ${paths.length}` : "The one path";
    const head = `${which} to ${WEIGHTS[weight]} divided ${often(count)}: `;
    const focused = [previous, next].find((button) => button === document.activeElement);
    told.replaceChildren(...(paths.length > 1 ? [previous, next, " "] : []), head, steps);
    focused?.focus();
  };
  const label = () => {
    const edges = model.get("value"), other = model.get("other");
    el.querySelectorAll("[data-edge]").forEach((edge) => {
      const on = edges.includes(edge.dataset.edge), too = (other || []).includes(edge.dataset.edge);
      const words = other === null ? "1/|X|" : on && too ? "A B" : on ? "A" : "B";
      edge.querySelectorAll(".badge text").forEach((text) => { text.textContent = words; });
    });
  };
  const group = () => {
    groups = {};
    const edges = model.get("value"), focused = chips.querySelector(":focus")?.dataset.group;
    for (const [weight, paths] of Object.entries(model.get("paths"))) {
      for (const path of paths) {
        const count = path.filter((part) => edges.includes(edgeOf(part))).length;
        (groups[`${weight} ${count}`] ??= { weight, count, paths: [] }).paths.push(path);
      }
    }
    chips.replaceChildren(...Object.keys(WEIGHTS).map((weight) => {
      const row = make("span", "", `Paths to ${WEIGHTS[weight]}: `);
      row.append(...Object.entries(groups).filter(([, { weight: to }]) => to === weight)
        .sort(([, one], [, other]) => one.count - other.count).map(([name, { count, paths }]) => {
          const chip = make("button", count === 1 ? "good" : "bad", `${often(count)} (${paths.length})`);
          chip.dataset.group = name;
          chip.setAttribute("aria-label", `Paths to ${WEIGHTS[weight]} divided ${often(count)}: ${paths.length}`);
          return chip;
        }));
      return row;
    }));
    if (focused) chips.querySelector(`[data-group="${focused}"]`)?.focus();
    pinned = pinned && groups[pinned.group] ? { ...pinned, index: 0 } : null;
    light(pinned);
  };
  // "Wh 2"; "Wx 3" for three times or more; or a weight alone: a group that is wrong, if there is one.
  const find = (at) => {
    const [name, least] = (at ?? "").split(" ");
    const weight = ["Wy", "by"].includes(name) ? "Wy" : "Wx";
    const of = Object.entries(groups).filter(([, { weight: to }]) => to === weight);
    const fits = least === undefined ? ({ count }) => count !== 1 : Number(least) < 3
      ? ({ count }) => count === Number(least) : ({ count }) => count > 2;
    const [found] = at ? of.find(([, one]) => fits(one)) ?? (least === undefined ? of[0] : []) : [];
    return found ? { group: found, index: 0 } : null;
  };
  const chipAt = (event) => event.target.closest?.("[data-group]")?.dataset.group;
  const pointed = (event) => {
    const name = chipAt(event), at = event.target.closest?.("[data-path]")?.dataset.path;
    return name ? { group: name, index: 0 } : at ? find(at) : null;
  };
  const same = (one, other) => one?.group === other?.group;
  const pin = (at) => { pinned = at && !same(at, pinned) ? at : null; light(pinned ?? at); };
  const step = (by) => {
    if (!lit) return;
    const { paths } = groups[lit.group];
    pinned = { ...lit, index: (lit.index + by + paths.length) % paths.length }; light(pinned);
  };
  previous.addEventListener("click", () => step(-1)); next.addEventListener("click", () => step(1));
  el.addEventListener("pointerover", (event) => {
    if (!bar.contains(event.target) || chipAt(event)) show(pointed(event));
  });
  el.addEventListener("pointerleave", () => show(null));
  const show = (at) => { const wanted = at ?? pinned; if (!same(wanted, lit)) light(wanted); };
  bar.addEventListener("focusin", (event) => { if (chipAt(event)) show(pointed(event)); });
  bar.addEventListener("focusout", (event) => { if (!bar.contains(event.relatedTarget)) show(null); });

  el.addEventListener("click", (event) => {
    const name = event.target.closest("[data-edge]")?.dataset.edge, at = pointed(event);
    if (name) toggle(name); else if (at) pin(at);
  });
  el.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && lit) { pinned = null; light(null); }
    const name = event.target.closest("[data-edge]")?.dataset.edge;
    if ((event.key !== " " && event.key !== "Enter") || !name) return;
    event.preventDefault(); event.stopPropagation();
    if (!event.repeat) toggle(name);
  });
  const elsewhere = ({ detail: { at, click } }) => { if (click) pin(find(at)); else show(find(at)); };
  let explorer = null;  // its panels tell at which share the hand points
  const frame = setInterval(() => {
    explorer = el.closest(".lstm-explorer"); explorer?.addEventListener("lstm-path", elsewhere);
    if (explorer) clearInterval(frame);
  }, 50);

  const mark = () => {
    const edges = model.get("value"), other = model.get("other");
    el.querySelectorAll("[data-edge]").forEach((edge) => {
      const on = edges.includes(edge.dataset.edge);
      edge.classList.toggle("on", on); edge.classList.toggle("other", (other || []).includes(edge.dataset.edge));
      edge.setAttribute("aria-checked", String(on));
    });
    boxes.querySelectorAll("input").forEach((input) => { input.checked = edges.includes(input.value); });
    group();
  };
  const counted = () => Object.entries(model.get("counts")).forEach(([name, words]) => {
    el.querySelector(`[data-count="${name}"]`).textContent = words;
  });
  const draw = () => {
    const focused = el.querySelector("[data-edge]:focus")?.dataset.edge, [, svg, width, least] = model.get("panel");
    box.innerHTML = svg; shown = false;
    sized.disconnect(); sized.observe(box); sized.observe(box.firstElementChild);
    el.style.setProperty("--width", `${width}px`); el.style.setProperty("--least", `${least}px`);
    box.firstElementChild.setAttribute("role", "group");
    box.firstElementChild.setAttribute("aria-label", model.get("label"));
    boxes.replaceChildren("1/|X| on: ", ...[...el.querySelectorAll("[data-edge]")].map(({ dataset: { edge } }) => {
      const input = document.createElement("input");
      input.type = "checkbox"; input.value = edge; input.addEventListener("change", () => toggle(edge));
      return make("label", "", input, edge);
    }));
    mark(); counted();
    if (focused) el.querySelector(`[data-edge="${focused}"]`).focus();
  };
  let due = null;  // what is to be done when all news have come
  const soon = (act) => () => {
    if (!due) queueMicrotask(() => {
      const all = due.has(draw) ? [draw] : due;
      due = null; all.forEach((one) => one());
    });
    (due ??= new Set()).add(act);
  };
  model.on("change:panel", soon(draw)); model.on("change:counts", soon(counted));
  for (const name of ["value", "other", "paths"]) model.on(`change:${name}`, soon(mark));
  draw();
  return () => { clearInterval(frame); sized.disconnect(); explorer?.removeEventListener("lstm-path", elsewhere); };
} };
