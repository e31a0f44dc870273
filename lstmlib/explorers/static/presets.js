export default { render({ model, el }) {
  const label = document.createElement("label"), select = document.createElement("select");
  const own = new Option("your own state"), names = model.get("names");
  el.classList.add("lstm-control"); label.className = "lstm-menu"; label.append(model.get("label"), select);
  select.setAttribute("aria-label", model.get("label")); own.hidden = own.disabled = true;
  select.append(own, ...names.map((name) => new Option(name))); el.append(label);
  const show = () => { select.selectedIndex = 1 + names.indexOf(model.get("shown")); };
  select.addEventListener("change", () => {
    model.set("chosen", [names[select.selectedIndex - 1], Date.now()]); model.save_changes();
  });
  model.on("change:shown", show); show();
} };
