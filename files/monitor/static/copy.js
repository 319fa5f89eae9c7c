// Copies what a button names. Without a clipboard (plain HTTP) the text is selected in a field and copied from there.
"use strict";
(() => {
  document.documentElement.classList.add("copies");
  const write = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    await write(button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent);
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 1500);
  });
})();
