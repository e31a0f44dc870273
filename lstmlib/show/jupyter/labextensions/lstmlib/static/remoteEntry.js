// An extension of JupyterLab without a build: one style, for the width of prose.
const css = `
  .jp-MarkdownCell .jp-RenderedHTMLCommon :is(p, li, dd, summary, blockquote, h1, h2, h3, h4, h5, h6),
  .jp-OutputArea .jp-RenderedMarkdown :is(p, li) { max-width: 58ch; }
`;
const addStyle = () => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  return {};
};
(window._JUPYTERLAB ??= {}).lstmlib = {init() {}, async get() { return addStyle; }};
