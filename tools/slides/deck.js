// Formulas do not wrap: one that is too wide for its slide is set smaller, before anything is shown.
const WIDEST = 1160;
await document.fonts.load('40px "Slides Math"');
for (const formula of document.querySelectorAll('.slides math[display="block"]')) {
  const size = parseFloat(getComputedStyle(formula).fontSize), box = document.createElement("div");
  box.className = "measured";
  box.style.fontSize = `${size}px`;
  box.append(formula.cloneNode(true));
  document.querySelector(".slides").append(box);
  if (box.scrollWidth > WIDEST) formula.style.fontSize = `${Math.floor(size * WIDEST / box.scrollWidth)}px`;
  box.remove();
}

// The speaker's view shows them in its own letters: in smaller ones all of them is seen on a small laptop.
for (const notes of document.querySelectorAll("aside.notes")) notes.innerHTML = `<div style="font-size: .74em">${notes.innerHTML}</div>`;

await Reveal.initialize({
  width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
  controlsTutorial: false, totalTime: 60 * {{minutes}}, plugins: [RevealNotes],
});

// The keys of a presenter's remote control turn the page while an explorer has the focus, too.
for (const frame of document.querySelectorAll("iframe.explorer")) {
  const listen = () => frame.contentWindow.addEventListener("keydown", (event) => {
    const turn = {PageDown: () => Reveal.next(), PageUp: () => Reveal.prev()}[event.key];
    if (turn) { event.preventDefault(); window.focus(); turn(); }
  }, true);
  frame.addEventListener("load", listen);
  listen();
}
