export default { render({ model, el }) {
  const note = document.createElement("span"), p = document.createElement("p");
  note.setAttribute("role", "alert"); p.className = "lstm-sentence"; el.append(p);
  const answer = asking(model, note, " (The kernel does not answer: run the explorer's cell again, then this one.)");
  model.get("parts").forEach(([text, preset]) => {
    if (preset === null) { p.append(text); return; }
    const button = document.createElement("span");  // a <button> would not run on into the next line
    button.setAttribute("role", "button"); button.tabIndex = 0;
    button.textContent = text; button.dataset.lmSuppressShortcuts = "true";
    button.addEventListener("click", () => {
      answer.soon(); answer.send({ question: null, chosen: preset });
    });
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault(); event.stopPropagation();
      if (!event.repeat) button.click();
    });
    p.append(button);
  });
  p.append(note);
  return answer.stop;
} };
