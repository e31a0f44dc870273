// When `soon` was not called for a while, the kernel is asked; while it is silent, `words` stand in `note`.
const asking = (model, note, words) => {
  let questions = 0, timer = null;
  const silent = () => { note.textContent = words; };
  const send = (message) => { try { model.send(message); } catch { silent(); } };
  const ask = () => { timer = setTimeout(silent, 2000); send({ question: ++questions }); };
  model.on("msg:custom", (message) => {
    if (message.answer === questions) { clearTimeout(timer); note.textContent = ""; }
  });
  return { send, soon: () => { clearTimeout(timer); timer = setTimeout(ask, 700); }, stop: () => clearTimeout(timer) };
};
