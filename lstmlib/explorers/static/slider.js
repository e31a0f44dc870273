export default { render({ model, el }) {
  const label = document.createElement("label"), name = document.createElement("span");
  const input = document.createElement("input"), output = document.createElement("span");
  el.classList.add("lstm-control"); label.className = "lstm-slider"; label.dataset.colour = model.get("colour");
  output.ariaHidden = "true"; input.type = "range"; input.min = 0; input.step = 1;
  label.append(name, input, output); el.append(label);
  const show = () => {
    const texts = model.get("texts"), text = texts[model.get("index")];
    name.textContent = model.get("label"); input.max = texts.length - 1; input.value = model.get("index");
    input.setAttribute("aria-label", model.get("label")); input.setAttribute("aria-valuetext", text);
    output.textContent = text; output.style.minWidth = `${Math.max(...texts.map((t) => t.length))}ch`;
  };
  input.addEventListener("input", () => { model.set("index", Number(input.value)); model.save_changes(); show(); });
  model.on("change:index", show); model.on("change:texts", show); show();
} };
