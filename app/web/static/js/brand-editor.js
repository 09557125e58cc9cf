/* The preview follows the typing. Without a script the buttons above the preview do the same. */
(() => {
  "use strict";
  const form = document.querySelector("[data-editor]");
  if (!form) return;
  const tabs = document.querySelectorAll("[data-preview]");
  const frame = document.querySelector("iframe[name=preview]");
  const notes = document.querySelector("[data-contrast]");
  let shown = tabs[0];

  const mark = (tab) => {
    for (const each of tabs) each.setAttribute("aria-pressed", String(each === tab));
    shown = tab;
  };
  for (const tab of tabs) tab.addEventListener("click", () => mark(tab));

  // What the form says now, without the files: they are shown once they are kept.
  const typed = () => {
    const data = new FormData(form);
    for (const input of form.querySelectorAll("[data-file]")) data.delete(input.name);
    return new URLSearchParams(data);
  };
  const send = (url) => fetch(url, { method: "POST", body: typed(), credentials: "same-origin" });

  const say = async () => {
    try {
      const answer = await send(form.dataset.contrastUrl);
      if (!answer.ok) return;
      const words = new DOMParser().parseFromString(await answer.text(), "text/html");
      notes.replaceChildren(...words.body.children);
    } catch { /* the notes come with the next save */ }
  };

  let timer;
  let asks = false;
  form.addEventListener("input", (event) => {
    if (event.target.matches("[data-file]")) return;
    asks ||= event.target.matches("[name=accent], [name=surface], [name=mode], [data-colour-of]");
    clearTimeout(timer);
    timer = setTimeout(() => {
      shown.click();
      if (asks) say();
      asks = false;
    }, 400);
  });
  // Sending files with every preview would be slow, and they are not shown yet.
  form.addEventListener("submit", (event) => {
    if (!event.submitter?.matches("[data-preview]")) return;
    const files = [...form.querySelectorAll("[data-file]")];
    for (const input of files) input.disabled = true;
    setTimeout(() => { for (const input of files) input.disabled = false; });
  });
  // The pointer stays where it is while a page of the preview loads.
  frame.addEventListener("load", () => { frame.blur(); });

  for (const well of form.querySelectorAll("[data-colour-of]")) {
    const text = document.getElementById(well.dataset.colourOf);
    const asWell = () => {
      const bare = text.value.trim().replace(/^#/, "");
      if (/^[0-9a-f]{6}$/i.test(bare)) well.value = `#${bare}`;
    };
    well.hidden = false;
    asWell();
    well.addEventListener("input", () => { text.value = well.value; });
    text.addEventListener("input", asWell);
  }

  for (const input of form.querySelectorAll("[data-file]")) {
    input.addEventListener("change", () => {
      const [file] = input.files;
      const picture = form.querySelector(`[data-picture=${input.dataset.file}]`);
      if (!file || !picture) return;
      const reader = new FileReader();
      reader.addEventListener("load", () => {
        picture.src = reader.result;
        picture.hidden = false;
        picture.parentElement.querySelector(".muted")?.remove();
      });
      reader.readAsDataURL(file);
    });
  }
})();
