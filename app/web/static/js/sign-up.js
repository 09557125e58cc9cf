/* Comfort for the sign-up: a name from the company's, whether it is free, how the site will look.
   The form works without any of it. */
(() => {
  "use strict";
  const form = document.querySelector("[data-sign-up]");
  const [company, slug, accent] = ["company", "slug", "accent"].map((name) => form.elements[name]);
  const check = form.querySelector("[data-name-check]");
  const preview = document.querySelector("[data-preview]");
  const shownHost = preview.querySelector("[data-preview-host]");
  const shownCompany = preview.querySelector("[data-preview-company]");
  const domain = shownHost.textContent.split(".").slice(1).join(".");
  const nobody = shownCompany.textContent;
  // A name she has chosen herself is hers; one of ours follows the company's.
  let isOurs = slug.value === "";
  let asked = 0;

  const show = (answer) => {
    if (isOurs && answer.slug) slug.value = answer.slug;
    check.textContent = slug.value ? answer.text : "";
    check.className = `sign-up__check sign-up__check--${answer.is_free ? "free" : "taken"}`;
    shownHost.textContent = `${slug.value || "…"}.${domain}`;
    shownCompany.textContent = company.value.trim() || nobody;
    if (answer.accent) {
      preview.style.setProperty("--preview-accent", answer.accent);
      preview.style.setProperty("--preview-on", answer.on_accent);
    }
  };

  const ask = async () => {
    asked += 1;
    const mine = asked;
    const about = { company: company.value, slug: isOurs ? "" : slug.value, accent: accent.value };
    try {
      const answer = await fetch(`${form.dataset.signUp}?${new URLSearchParams(about)}`, { headers: { Accept: "application/json" } });
      if (answer.ok && mine === asked) show(await answer.json());
    } catch { /* the form is checked when it is sent */ }
  };

  let waiting;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  };
  company.addEventListener("input", soon);
  accent.addEventListener("input", soon);
  slug.addEventListener("input", () => {
    slug.value = slug.value.toLowerCase().replaceAll(/[\s_.]+/g, "-");
    isOurs = slug.value === "";
    soon();
  });
  preview.hidden = false;
  ask();
})();
