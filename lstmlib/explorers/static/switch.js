export default { render({ model, el }) {
  const label = document.createElement("label"), input = document.createElement("input");
  el.classList.add("lstm-control"); label.className = "lstm-switch"; input.type = "checkbox";
  label.append(input, model.get("label")); el.append(label);
  const show = () => { input.checked = model.get("value"); };
  input.addEventListener("change", () => { model.set("value", input.checked); model.save_changes(); });
  model.on("change:value", show); show();
} };
