export default { render({ model, el }) {
  const box = document.createElement("div");
  el.classList.add("lstm-control", "lstm-graph"); box.className = "lstm-panel"; el.append(box);
  const mark = () => {
    const edges = model.get("value"), other = model.get("other");
    el.querySelectorAll("[data-edge]").forEach((edge) => {
      const on = edges.includes(edge.dataset.edge), too = (other || []).includes(edge.dataset.edge);
      edge.classList.toggle("on", on); edge.classList.toggle("other", too);
      edge.setAttribute("aria-checked", String(on));
      const words = other === null ? "1/|X|" : on && too ? "A B" : on ? "A" : "B";
      edge.querySelectorAll(".badge text").forEach((text) => { text.textContent = words; });
    });
    Object.entries(model.get("counts")).forEach(([name, words]) => {
      el.querySelector(`[data-count="${name}"]`).textContent = words;
    });
  };
  const draw = () => {
    const focused = el.querySelector("[data-edge]:focus")?.dataset.edge, [, svg, width, least] = model.get("panel");
    box.innerHTML = svg; mark();
    box.style.cssText = `--width: ${width}px; --least: ${least}px`;
    box.firstElementChild.setAttribute("role", "group");
    box.firstElementChild.setAttribute("aria-label", model.get("label"));
    if (focused) el.querySelector(`[data-edge="${focused}"]`).focus();
  };
  const toggle = (target) => {
    const name = target.closest("[data-edge]")?.dataset.edge;
    if (!name) return;
    const edges = model.get("value"), all = [...el.querySelectorAll("[data-edge]")].map((g) => g.dataset.edge);
    // In the order that the kernel keeps: else it would send its own back, perhaps over a later click.
    model.set("value", all.filter((edge) => edges.includes(edge) !== (edge === name)));
    model.save_changes();
  };
  el.addEventListener("click", (event) => toggle(event.target));
  el.addEventListener("keydown", (event) => {
    if ((event.key !== " " && event.key !== "Enter") || !event.target.closest("[data-edge]")) return;
    event.preventDefault(); event.stopPropagation();
    if (!event.repeat) toggle(event.target);
  });
  model.on("change:panel", draw);
  for (const name of ["value", "other", "counts"]) model.on(`change:${name}`, mark);
  draw();
} };
