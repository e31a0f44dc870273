export default { render({ model, el }) {
  const field = document.createElement("fieldset"), legend = document.createElement("legend");
  const group = `lstm-${Math.random()}`;
  el.classList.add("lstm-control"); field.className = "lstm-choice"; legend.textContent = model.get("label");
  field.append(legend); el.append(field);
  const inputs = model.get("texts").map((text, index) => {
    const label = document.createElement("label"), input = document.createElement("input");
    input.type = "radio"; input.name = group; label.append(input, text); field.append(label);
    input.addEventListener("change", () => { model.set("index", index); model.save_changes(); });
    return input;
  });
  const show = () => { inputs[model.get("index")].checked = true; };
  model.on("change:index", show); show();
} };
