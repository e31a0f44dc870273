export default { render({ model, el }) {
  const title = document.createElement("b"), note = document.createElement("div"), text = model.get("label");
  el.classList.add("lstm-title");
  title.className = "lstm-heading"; title.textContent = text;
  note.className = "lstm-note"; note.setAttribute("role", "alert"); el.append(title, note);
  const enter = (event) => {
    if (el.closest(".lstm-explorer")?.contains(event.target)) event.target.dataset.lmSuppressShortcuts = "true";
  };
  document.addEventListener("focusin", enter);

  const RESTARTED = "Not connected: the kernel has been restarted. Run this cell again, after those above it.";
  const SILENT = "The kernel does not answer. If a cell is running, the picture follows when it has finished; " +
    "if none is, run this cell again, after those above it.";
  const answer = asking(model, note, SILENT);
  let lost = false;
  const stopped = new MutationObserver(([{ target }]) => {
    if (lost === target.classList.contains("jupyter-widgets-disconnected")) return;
    lost = !lost; answer.stop(); note.textContent = lost ? RESTARTED : "";
    for (const part of target.querySelectorAll(".lstm-control")) part.inert = lost;
  });

  const frame = setInterval(() => {
    const explorer = el.closest(".lstm-explorer");
    if (!explorer) return;
    explorer.setAttribute("role", "group"); explorer.setAttribute("aria-label", text); clearInterval(frame);
    for (const event of ["click", "input", "keydown"]) explorer.addEventListener(event, answer.soon, true);
    stopped.observe(explorer, { attributes: true, attributeFilter: ["class"] });
  }, 50);
  return () => {
    document.removeEventListener("focusin", enter); clearInterval(frame); answer.stop(); stopped.disconnect();
  };
} };
