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

// Where JupyterLab serves this page (python run.py slides --live), the laboratory takes the place of its picture:
// a frame with JupyterLab itself, in which nothing is left to see but what the code cells of lesson.ipynb show.
const ONLY_THE_LABORATORY = `
  #top-panel-wrapper, #menu-panel-wrapper, #jp-top-panel, #jp-menu-panel, #jp-bottom-panel, .jp-SideBar, .lm-TabBar,
  .jp-NotebookPanel-toolbar, .jp-MarkdownCell, .jp-InputPrompt, .jp-OutputPrompt, .jp-OutputArea-prompt,
  .jp-Notebook-footer, .jp-Cell-inputWrapper, .jp-CellHeader, .jp-CellFooter {display: none !important}
  .jp-Notebook, .jp-Cell, .jp-WindowedPanel-outer {padding: 0 !important; margin: 0 !important}
  .lstm-explorer {display: grid !important; grid-template-columns: 240px 1000px; column-gap: 12px; max-width: none;
    border: none}
  .lstm-explorer > :nth-child(-n+3) {grid-column: 1}
  .lstm-explorer > :nth-child(3) {grid-row: 3 / span 8; align-content: flex-start}
  .lstm-explorer > :nth-child(n+4) {grid-column: 2}
  .lstm-explorer > :nth-child(4) {grid-row: 1 / span 3}
`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const laboratory = document.querySelector("section.laboratory");
const query = location.search;

async function bringToLife() {
  const base = location.pathname.split("/static/")[0] + "/";
  const frame = document.createElement("iframe");
  frame.id = "live"; frame.title = "The laboratory"; frame.src = `${base}doc/tree/lesson.ipynb${query}`;
  place(frame); document.body.append(frame);
  while (!frame.contentWindow.jupyterapp) await pause(100);
  const app = frame.contentWindow.jupyterapp;
  await app.restored;
  while (app.shell.currentWidget?.sessionContext?.session?.kernel?.status !== "idle") await pause(100);
  const page = frame.contentDocument, panel = app.shell.currentWidget;
  page.head.append(Object.assign(page.createElement("style"), {textContent: ONLY_THE_LABORATORY}));
  await app.commands.execute("notebook:run-all-cells");
  while (!page.querySelector(".lstm-explorer svg")) await pause(100);
  const unchanged = (model) => { if (model.dirty) model.dirty = false; };  // the stored picture stays stored
  unchanged(panel.model); panel.model.stateChanged.connect(unchanged);
  page.addEventListener("keydown", turnThePage, true);
  const show = () => {
    place(frame);
    frame.classList.toggle("shown", Reveal.getCurrentSlide() === laboratory && !Reveal.isOverview());
    page.documentElement.style.zoom = Math.min(frame.clientWidth / 1290, frame.clientHeight / 960);
  };
  for (const event of ["slidechanged", "resize", "overviewshown", "overviewhidden"]) Reveal.on(event, show);
  show();
}

function place(frame) {
  const scale = Reveal.getScale(), slides = document.querySelector(".slides").getBoundingClientRect();
  Object.assign(frame.style, {left: `${slides.left}px`, top: `${slides.top}px`, width: `${slides.width}px`,
    height: `${slides.height - 32 * scale}px`});
}

function turnThePage(event) {
  const turn = {PageDown: () => Reveal.next(), PageUp: () => Reveal.prev()}[event.key];
  if (turn) { event.preventDefault(); event.stopPropagation(); window.focus(); turn(); }
}

if (laboratory && location.protocol.startsWith("http") && location.pathname.includes("/static/") &&
    !/print|receiver/.test(query)) {
  history.replaceState(null, "", location.pathname + location.hash);  // the token is not for the projector
  bringToLife();
}
