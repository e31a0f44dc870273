export default { render({ model, el }) {
  const [box, headline, words] = ["div", "p", "p"].map((tag) => document.createElement(tag));
  const role = model.get("label");
  box.className = `lstm-${role}`; box.setAttribute("role", role); box.setAttribute("aria-atomic", "true");
  headline.className = "lstm-headline"; box.append(headline, words); el.append(box);
  const write = (part, text) => { if (part.textContent !== text) part.textContent = text; };
  const show = () => {
    const good = model.get("good");
    write(headline, model.get("headline")); write(words, model.get("value"));
    headline.classList.toggle("good", good === true); headline.classList.toggle("bad", good === false);
    box.hidden = role === "alert" && !model.get("value");
  };
  for (const name of ["value", "headline", "good"]) model.on(`change:${name}`, show);
  const widths = new Map();
  const resized = new ResizeObserver((news) => news.forEach(({ target }) => {  // what stands below does not jump
    if (target.offsetWidth !== widths.get(target)) target.style.minHeight = "";
    widths.set(target, target.offsetWidth);
    target.style.minHeight = `${target.offsetHeight}px`;
  }));
  if (role === "status") [headline, words].forEach((part) => resized.observe(part));
  show();
  return () => resized.disconnect();
} };
