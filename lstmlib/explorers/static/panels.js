export default { render({ model, el }) {
  el.classList.add("lstm-panels");
  const boxes = new Map();
  const show = () => {
    const panels = model.get("value");
    panels.forEach(([name, svg, width, least], place) => {
      let box = boxes.get(name);
      if (!box) { box = document.createElement("div"); box.className = "lstm-panel"; boxes.set(name, box); }
      box.dataset.panel = name; box.style.cssText = `--width: ${width}px; --least: ${least}px`;
      if (box.drawn !== svg) { box.innerHTML = box.drawn = svg; }
      if (el.children[place] !== box) el.insertBefore(box, el.children[place] ?? null);
    });
    while (el.children.length > panels.length) { boxes.delete(el.lastChild.dataset.panel); el.lastChild.remove(); }
  };
  model.on("change:value", show); show();
} };
