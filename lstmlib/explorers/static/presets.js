export default { render({ model, el }) {
  const label = document.createElement("label"), select = document.createElement("select");
  const names = model.get("names"), back = "Reset";
  const none = new Option("choose one …"), own = new Option("your own state");
  el.classList.add("lstm-control"); label.className = "lstm-menu"; label.append(model.get("label"), select);
  select.setAttribute("aria-label", model.get("label"));
  for (const option of [none, own]) option.hidden = option.disabled = true;
  const all = [...names.filter((name) => name !== back), back];
  select.append(none, own, ...all.map((name) => new Option(name === back ? "back to the start" : name, name)));
  el.append(label);
  const show = () => {
    const shown = model.get("shown");
    select.selectedIndex = shown === back ? 0 : 2 + all.indexOf(shown);
  };
  select.addEventListener("change", () => {
    model.set("chosen", [select.value, Date.now()]); model.save_changes();
    if (select.value === model.get("shown")) show();
  });
  model.on("change:shown", show); show();
} };
