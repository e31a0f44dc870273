// Formulas do not wrap: one that is too wide for its slide is set smaller, before anything is shown.
function fitFormulas() {
  for (const formula of document.querySelectorAll(".equation > p:first-child")) {
    const box = formula.parentElement.cloneNode(true), size = parseFloat(getComputedStyle(formula).fontSize);
    box.classList.add("measured");
    box.style.fontSize = `${size}px`;
    document.querySelector(".slides").append(box);
    const wide = box.firstElementChild.scrollWidth;
    if (wide > FORMULA_WIDTH) formula.style.fontSize = `${Math.floor(size * FORMULA_WIDTH / wide)}px`;
    box.remove();
  }
}
const FORMULA_WIDTH = 1060;
await document.fonts.load('40px "Slides Math"');
fitFormulas();

await Reveal.initialize({
  width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
  controlsTutorial: false, pdfSeparateFragments: false, totalTime: 60 * {{minutes}}, plugins: [RevealNotes],
});

// Where JupyterLab serves this page (python run.py slides --live), the laboratory takes the place of its picture: a frame
// with JupyterLab runs the code cells of lesson.ipynb, and their explorer is laid over everything else in it.
const OVER_EVERYTHING = `
  body > .lstm-explorer {position: fixed; inset: 0; z-index: 99999; overflow: auto; background: #fff; border: none;
    display: grid !important; grid-template: auto auto 1fr auto auto auto 1fr / 1fr 1000px; gap: 6px 24px;
    max-width: none}
  body > .lstm-explorer > * {grid-column: 1}
  body > .lstm-explorer > :nth-child(4) {grid-column: 2; grid-row: 1 / span 3; padding-bottom: 24px}
  body > .lstm-explorer > :nth-child(5) {grid-column: 2; grid-row: 4}
  body > .lstm-explorer > :nth-child(6) {grid-column: 2; grid-row: 5 / span 3}
  body > .lstm-explorer > :nth-child(3) {align-content: flex-start}
  body > .lstm-explorer > :nth-child(7) {grid-row: 5}
  body > .lstm-explorer :is(label, button, select, .lstm-status, .lstm-slider) {font-size: 18px; line-height: 1.3}
`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const laboratory = document.querySelector("section.laboratory");
const query = location.search;

async function bringToLife() {
  const frame = Object.assign(document.createElement("iframe"), {id: "live", title: "The laboratory"});
  frame.src = location.pathname.split("/static/")[0] + "/doc/tree/lesson.ipynb" + query;
  document.body.append(frame);
  place(frame);
  while (!frame.contentWindow.jupyterapp) await pause(100);
  const app = frame.contentWindow.jupyterapp, page = frame.contentDocument;
  await app.restored;
  while (app.shell.currentWidget?.sessionContext?.session?.kernel?.status !== "idle") await pause(100);
  await app.commands.execute("notebook:run-all-cells");
  while (!page.querySelector(".lstm-explorer svg")) await pause(100);
  storeNothing(app.shell.currentWidget.model);
  page.head.append(Object.assign(page.createElement("style"), {textContent: OVER_EVERYTHING}));
  const explorer = page.querySelector(".lstm-explorer");
  page.body.append(explorer);
  page.addEventListener("keydown", turnThePage, true);

  const show = () => {
    place(frame);
    explorer.style.zoom = Math.min(frame.clientWidth / 1400, frame.clientHeight / 920);
    frame.classList.toggle("shown", Reveal.getCurrentSlide() === laboratory && !Reveal.isOverview());
  };
  for (const event of ["slidechanged", "resize", "overviewshown", "overviewhidden"]) Reveal.on(event, show);
  show();
}

function storeNothing(model) {  // so that lesson.ipynb keeps the picture that stands for the laboratory without a kernel
  const leave = () => { if (model.dirty) model.dirty = false; };
  model.stateChanged.connect(leave);
  leave();
}

function place(frame) {
  const slides = document.querySelector(".slides").getBoundingClientRect();
  Object.assign(frame.style, {left: `${slides.left}px`, top: `${slides.top}px`, width: `${slides.width}px`,
    height: `${slides.height - 32 * Reveal.getScale()}px`});
}

function turnThePage(event) {  // the keys of a presenter's remote control
  const turn = {PageDown: () => Reveal.next(), PageUp: () => Reveal.prev()}[event.key];
  if (turn) { event.preventDefault(); event.stopPropagation(); window.focus(); turn(); }
}

if (laboratory && location.pathname.includes("/static/") && !/print|receiver/.test(query)) {
  history.replaceState(null, "", location.pathname + location.hash);  // the token is not for the projector
  bringToLife();
}
