export default { render({ model, el }) {
  const label = document.createElement("label"), select = document.createElement("select");
  el.classList.add("lstm-control"); label.className = "lstm-menu"; label.append(model.get("label"), select);
  select.setAttribute("aria-label", model.get("label")); el.append(label);
  select.append(...model.get("texts").map((text) => new Option(text)));
  const show = () => { select.selectedIndex = model.get("index"); };
  select.addEventListener("change", () => { model.set("index", select.selectedIndex); model.save_changes(); });
  model.on("change:index", show); show();
} };
