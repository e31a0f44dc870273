export default { render({ model, el }) {
  const label = document.createElement("label"), select = document.createElement("select");
  const names = model.get("names"), back = "Reset";
  const none = new Option("choose one …"), own = new Option("your own state");
  el.classList.add("lstm-control"); label.className = "lstm-menu"; label.append(model.get("label"), select);
  select.setAttribute("aria-label", model.get("label"));
  for (const option of [none, own]) option.hidden = option.disabled = true;
  const all = [...Object.keys(names).filter((name) => name !== back), back];
  select.append(none, own, ...all.map((name) => new Option(name === back ? "back to the start" : name, name)));
  el.append(label);
  let asked = 0, open = false;  // what is shown while a choice is open answers an older one
  const show = () => {
    if (open) return;
    const shown = model.get("shown");
    if (select.value !== back && names[select.value] === shown) return;
    select.selectedIndex = shown === back ? 0 : 2 + all.indexOf(shown);
  };
  select.addEventListener("change", () => {
    open = true;
    try { model.send({ question: ++asked, chosen: select.value }); } catch { /* the heading says so */ }
  });
  model.on("msg:custom", ({ answer }) => {
    if (answer !== asked) return;
    open = false;
    if (select.value === model.get("shown")) show();
  });
  model.on("change:shown", show); show();
} };
