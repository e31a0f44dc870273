export default { render({ model, el }) {
  const [box, headline, words] = ["div", "p", "p"].map((tag) => document.createElement(tag));
  const role = model.get("label");
  box.className = `lstm-${role}`; box.setAttribute("role", role); box.setAttribute("aria-atomic", "true");
  headline.className = "lstm-headline"; box.append(headline, words); el.append(box);
  let width = 0;
  const show = () => {
    const good = model.get("good");
    headline.textContent = model.get("headline"); words.textContent = model.get("value");
    headline.classList.toggle("good", good === true); headline.classList.toggle("bad", good === false);
    box.hidden = role === "alert" && !model.get("value");
    if (role !== "status" || !box.offsetWidth) return;
    if (box.offsetWidth !== width) { width = box.offsetWidth; box.style.minHeight = ""; }
    box.style.minHeight = `${box.offsetHeight}px`;  // what stands below does not jump
  };
  for (const name of ["value", "headline", "good"]) model.on(`change:${name}`, show);
  const resized = new ResizeObserver(() => { if (box.offsetWidth !== width) show(); });
  resized.observe(box); show();
  return () => resized.disconnect();
} };
