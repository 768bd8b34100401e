// Explanations of words (abbr with a title) beside them, also for keyboards and touch screens; and folded tables open on paper.
(() => {
  "use strict";
  const box = document.createElement("div");
  box.className = "tip hint-box";
  box.hidden = true;
  document.body.append(box);
  let shown = null;
  const hide = () => {
    if (shown) shown.title = box.textContent;
    box.hidden = true;
    shown = null;
  };
  const show = (word) => {
    if (word === shown) return;
    hide();
    box.textContent = word.title;
    word.removeAttribute("title"); // the browser's own box would lie over this one
    shown = word;
    box.hidden = false;
    const at = word.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    box.style.left = `${Math.max(4, Math.min(at.left, wide - box.offsetWidth - 4))}px`;
    const below = at.bottom + 6;
    box.style.top = `${below + box.offsetHeight > innerHeight ? Math.max(4, at.top - box.offsetHeight - 6) : below}px`;
  };
  const word = (event) => event.target.closest?.("abbr[tabindex], th a[title], .explained");
  document.addEventListener("focusin", (event) => (word(event) ? show(word(event)) : hide()));
  document.addEventListener("mouseover", (event) => word(event) && show(word(event)));
  document.addEventListener("mouseout", (event) => word(event) && word(event) !== document.activeElement && hide());
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", hide, { passive: true, capture: true });
  const folded = () => document.querySelectorAll("details.long:not([open])");
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...folded()];
    opened.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));
})();
