/* Comfort on top of pages that work without it. No state, no dependencies, no live balance (live.js). */
(() => {
  "use strict";
  const all = (selector, root = document) => root.querySelectorAll(selector);

  // Buttons that only a script can serve appear with the script.
  const wake = (root = document) => {
    for (const button of all("[data-dismiss], [data-show-password], [data-print]", root)) button.hidden = false;
    if (navigator.clipboard) for (const button of all("[data-copy]", root)) button.hidden = false;
  };

  const acts = {
    dismiss: (button) => button.closest(".banner").remove(),
    print: () => window.print(),
    showPassword: (button) => {
      const input = document.getElementById(button.getAttribute("aria-controls"));
      const shown = input.type === "text";
      button.dataset.showLabel ??= button.textContent;
      input.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
      button.textContent = shown ? button.dataset.showLabel : button.dataset.hideLabel;
    },
    copy: async (button) => {
      const copied = button.closest(".copy");
      await navigator.clipboard.writeText(copied.querySelector("[data-copy-value]").textContent.trim());
      const label = button.querySelector("[data-copy-label]");
      label.textContent = button.dataset.done;
      label.classList.remove("visually-hidden");
    },
  };
  document.addEventListener("click", (event) => {
    for (const [name, act] of Object.entries(acts)) {
      const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const button = event.target.closest(`[data-${attribute}]`);
      if (button) act(button);
    }
    for (const open of all("details.account[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of all("details.account[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });

  // A table that is wider than its card scrolls: also for those who have no mouse.
  const reach = () => {
    for (const wrap of all(".table-wrap")) {
      const scrolls = wrap.scrollWidth > wrap.clientWidth;
      wrap.toggleAttribute("tabindex", scrolls);
      if (!scrolls) continue;
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "group");
      wrap.setAttribute("aria-label", wrap.querySelector("caption")?.textContent ?? "");
    }
  };
  addEventListener("resize", reach);
  reach();

  // A field says what is wrong as the person leaves it, and stops as soon as it is right.
  const check = (input, mayComplain) => {
    const wrong = input.value !== "" && !input.checkValidity();
    if (wrong && !mayComplain) return;
    const error = document.getElementById(`${input.id}-error`);
    input.closest(".field").classList.toggle("field--wrong", wrong);
    input.toggleAttribute("aria-invalid", wrong);
    if (wrong) input.setAttribute("aria-invalid", "true");
    error.hidden = !wrong;
    error.querySelector("span").textContent = wrong ? input.dataset.invalid : "";
  };
  for (const input of all("[data-invalid]")) {
    input.addEventListener("blur", () => check(input, true));
    input.addEventListener("input", () => check(input, false));
  }

  // A form that moves money is sent once; the server's request key is the real guard.
  for (const form of all("form[data-once]")) {
    const button = form.querySelector("[data-busy]");
    const word = button.querySelector("span");
    const ready = word.textContent;
    form.addEventListener("submit", (event) => {
      if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
      button.setAttribute("aria-disabled", "true");
      setTimeout(() => { word.textContent = button.dataset.busy; }, 300);
    });
    // Coming back from the payment page, the browser may show the page as it was left.
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      button.removeAttribute("aria-disabled");
      word.textContent = ready;
    });
  }

  // A tap on 'Other amount' leads straight to the figure; arrow keys (detail 0) stay among the choices.
  for (const other of all(".amount--other input")) {
    other.addEventListener("click", (event) => {
      if (event.detail > 0) document.getElementById("custom").focus();
    });
  }

  // The balance flashes softly when live.js (or anybody) changes it.
  for (const amount of all("[data-live-balance]")) {
    new MutationObserver(() => {
      amount.classList.remove("is-changed");
      requestAnimationFrame(() => amount.classList.add("is-changed"));
    }).observe(amount, { childList: true, characterData: true, subtree: true });
  }

  const fetchPage = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  // A payment under way: look again every two seconds, slower after half a minute.
  const outcome = document.querySelector("[data-poll-page]");
  if (outcome) {
    const since = Date.now();
    const look = async () => {
      try {
        const page = await fetchPage(location.href);
        const next = page.querySelector("[data-outcome]");
        if (next && next.dataset.outcome !== outcome.dataset.outcome) {
          outcome.className = next.className;
          outcome.replaceChildren(...next.childNodes);
          document.title = page.title;
          return wake(outcome);
        }
      } catch { /* the network will be back; the payment is credited without this page */ }
      const pause = Number(outcome.dataset.pollPage);
      setTimeout(look, Date.now() - since > 30000 ? pause * 3 : pause);
    };
    setTimeout(look, Number(outcome.dataset.pollPage));
  }

  // 'Show older' adds the rows in place; without a script it is a link to the next page.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-older]");
    const list = document.querySelector("[data-rows]");
    if (!link || !list || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const page = await fetchPage(link.href);
      const rows = [...page.querySelector("[data-rows]").children];
      list.append(...rows);
      rows[0]?.setAttribute("tabindex", "-1");
      rows[0]?.focus({ preventScroll: true });
      const older = page.querySelector("a[data-older]");
      if (older) link.href = older.href;
      else link.remove();
    } catch {
      location.assign(link.href);
    }
  });

  // Where the network is gone, the service worker shows a page of the brand. Never inside a preview.
  if (navigator.serviceWorker && window.top === window) {
    window.addEventListener("load", () => navigator.serviceWorker.register("/service-worker.js").catch(() => {}));
  }

  wake();
})();
