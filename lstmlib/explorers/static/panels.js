export default { render({ model, el }) {
  el.classList.add("lstm-panels");
  const boxes = new Map();
  const measure = (box) => {
    const [picture, place] = [box.firstElementChild, box].map((part) => part?.getBoundingClientRect().width);
    box.classList.toggle("wide", picture > place + 1);
  };
  const sized = new ResizeObserver((news) => news.forEach(({ target }) => measure(target)));
  const show = () => {
    const panels = model.get("value");
    panels.forEach(([name, svg, width, least], place) => {
      let box = boxes.get(name);
      if (!box) {
        box = document.createElement("div"); box.className = "lstm-panel"; boxes.set(name, box); sized.observe(box);
      }
      const style = `--width: ${width}px; --least: ${least}px`;
      if (box.sized !== style) { box.dataset.panel = name; box.style.cssText = box.sized = style; }
      if (box.drawn !== svg) box.innerHTML = box.drawn = svg;
      if (el.children[place] !== box) el.insertBefore(box, el.children[place] ?? null);
    });
    while (el.children.length > panels.length) { boxes.delete(el.lastChild.dataset.panel); el.lastChild.remove(); }
  };
  let pointed;
  const tell = (at, click) => {
    if (at === pointed && !click) return;
    pointed = at;
    el.dispatchEvent(new CustomEvent("lstm-path", { bubbles: true, detail: { at, click } }));
  };
  const at = (event) => event.target.closest("[data-path]")?.dataset.path;
  el.addEventListener("pointerover", (event) => tell(at(event), false));
  el.addEventListener("pointerleave", () => tell(undefined, false));
  el.addEventListener("click", (event) => { if (at(event)) tell(at(event), true); });
  model.on("change:value", show); show();
  return () => sized.disconnect();
} };
