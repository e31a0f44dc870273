export default { render({ model, el }) {
  const form = document.createElement("form"), field = document.createElement("fieldset");
  const legend = document.createElement("legend"), button = document.createElement("button");
  const told = document.createElement("div"), texts = model.get("texts"), group = `lstm-${Math.random()}`;
  form.className = "lstm-prediction"; legend.textContent = model.get("label"); field.append(legend);
  const inputs = (texts.length ? texts : [""]).map((text) => {
    const label = document.createElement("label"), input = document.createElement("input");
    input.required = true;
    if (text) { input.type = "radio"; input.name = group; input.value = text; label.append(input, text); }
    else { input.type = "number"; input.step = model.get("step"); label.append("Your number ", input); }
    input.dataset.lmSuppressShortcuts = "true"; field.append(label);
    return input;
  });
  button.textContent = "This is my prediction"; button.dataset.lmSuppressShortcuts = "true"; field.append(button);
  told.className = "lstm-told"; told.setAttribute("role", "status"); form.append(field, told); el.append(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (model.get("predicted") !== "") return;
    model.set("predicted", texts.length ? inputs.find((input) => input.checked).value : inputs[0].value);
    model.save_changes(); show();
  });
  const show = () => {
    const predicted = model.get("predicted"), { truth, words, error } = model.get("outcome"), open = predicted === "";
    field.classList.toggle("settled", !open); button.hidden = !open;
    inputs.forEach((input) => {
      if (texts.length) input.checked = open ? input.checked : input.value === predicted;
      else if (!open) input.value = predicted;
      input.disabled = !open;
    });
    if (open || (truth === undefined && !error)) { told.replaceChildren(); return; }
    const right = texts.length ? predicted === truth : Math.abs(predicted - truth) <= 0.05 * Math.abs(truth);
    const came = document.createElement("p"), because = document.createElement("p");
    came.className = error ? "lstm-headline bad" : `lstm-headline ${right ? "good" : "bad"}`;
    came.textContent = error || `Predicted: ${predicted}. ${right ? "So it is" : "It came otherwise"}: ${truth}.`;
    because.textContent = error ? "" : [words, model.get("because")].filter(Boolean).join(" ");
    told.replaceChildren(came, because);
  };
  model.on("change:outcome", show); model.on("change:predicted", show); show();
} };
