/* The balance that moves. One stream per browser and wallet: the tabs elect a leader (Web Locks),
   which shares what it hears (BroadcastChannel). Without a stream, each visible tab asks every two
   seconds. No dependencies; the page is right without this script, only not live. */
(() => {
  "use strict";
  const root = document.querySelector("[data-stream-url]");
  if (!root) return;
  const wallet = root.dataset.walletId ?? "";
  const name = `balance-${wallet}`;
  const POLL_MS = 2000;
  const RECENT_MS = 1000;
  const FAILURES_BEFORE_POLLING = 2;
  const FIRST_RETRY_MS = 5000;
  const LONGEST_RETRY_MS = 60000;

  let state = "off";
  let latest = null;
  let pollTimer = 0;
  let hasEnded = false;
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
  const tell = (message) => tabs?.postMessage(message);

  // --- what the person sees

  // As the server writes it, in this page's language: a leading tab may speak another one.
  const money = (minor, currency) => {
    const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
    const places = format.resolvedOptions().maximumFractionDigits;
    return format.format(minor / 10 ** places).replace("-", "\u2212");
  };

  const enter = (next) => {
    state = next;
    for (const place of document.querySelectorAll("[data-live-state]")) place.dataset.liveState = next;
    clearTimeout(pollTimer);
    if (next === "polling") poll();
  };

  const show = (news) => {
    if (news.wallet_id !== wallet) return end();
    // Bonus and debt move without a new version: what differs within one is the later state.
    if (latest && (news.version < latest.version || news.mark === latest.mark)) return;
    latest = news;
    let isNew = false;
    for (const amount of document.querySelectorAll("[data-live-balance]")) {
      if (news.version < Number(amount.dataset.version) || news.mark === amount.dataset.mark) continue;
      amount.dataset.version = String(news.version);
      amount.dataset.mark = news.mark;
      amount.dataset.minor = String(news.total);
      amount.textContent = money(news.total, news.currency); // app.js lets it flash
      isNew = true;
    }
    if (!isNew) return;
    for (const notice of document.querySelectorAll("[data-low-balance]")) notice.hidden = !news.is_low;
    document.dispatchEvent(new CustomEvent("balance:moved", { detail: news }));
  };

  // Signed out, or somebody else signed in: nothing here is ours any more.
  const end = () => {
    hasEnded = true;
    source?.close();
    clearTimeout(retryTimer);
    enter("off");
  };

  // --- asking, while there is no stream

  let etag = null;
  const ask = async () => {
    const answer = await fetch(root.dataset.pollUrl, {
      headers: { Accept: "application/json", ...(etag && { "If-None-Match": etag }) },
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
    });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return end();
    if (!answer.ok) return; // 304 among others: nothing moved
    etag = answer.headers.get("ETag");
    show(await answer.json());
  };

  const poll = async () => {
    if (document.hidden || state !== "polling") return;
    try {
      await ask();
    } catch { /* the network will be back */ }
    clearTimeout(pollTimer);
    if (state === "polling") pollTimer = setTimeout(poll, POLL_MS);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || hasEnded) return;
    if (state === "polling") poll();
    else ask().catch(() => {}); // a laptop that slept may hold a dead stream
  });

  // --- the stream, in the leader's tab

  let source = null;
  let failures = 0;
  let isLeaving = false;
  let retryTimer = 0;
  let retryMs = FIRST_RETRY_MS;

  const announce = (next) => {
    if (hasEnded) return;
    if (next !== state) enter(next);
    tell({ state: next });
  };

  const fallBack = () => {
    source.close();
    announce("polling");
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  };

  const connect = () => {
    if (hasEnded) return;
    source = new EventSource(root.dataset.streamUrl);
    source.addEventListener("open", () => {
      failures = 0;
      retryMs = FIRST_RETRY_MS;
      announce("live");
    });
    source.addEventListener("balance", (event) => {
      const news = JSON.parse(event.data);
      show(news);
      tell({ news });
    });
    source.addEventListener("bye", () => { isLeaving = true; });
    source.addEventListener("error", () => {
      // The server ends every stream after a while; the browser comes back by itself.
      if (isLeaving && source.readyState !== EventSource.CLOSED) { isLeaving = false; return; }
      isLeaving = false;
      failures += 1;
      if (state === "polling" || failures >= FAILURES_BEFORE_POLLING || source.readyState === EventSource.CLOSED) fallBack();
      else announce("reconnecting");
    });
  };

  const lead = () => {
    if ("EventSource" in window) connect();
    else announce("polling");
  };

  if (tabs) {
    tabs.addEventListener("message", ({ data }) => {
      if (hasEnded) return;
      if (data.news) show(data.news);
      else if (data.state && data.state !== state) enter(data.state);
      else if (data.isNew && source) {
        tell({ state });
        if (latest) tell({ news: latest });
      }
    });
  }
  if (tabs && navigator.locks) {
    tell({ isNew: true });
    // Held until the tab closes; then another tab's turn comes.
    navigator.locks.request(name, () => new Promise(lead));
  } else {
    lead();
  }

  // --- the latest transactions follow the balance, once a second at most

  let recentAt = 0;
  let recentTimer = 0;
  const refreshRecent = async () => {
    recentTimer = 0;
    recentAt = Date.now();
    const list = document.querySelector("[data-live-recent]");
    if (!list || document.hidden) return;
    try {
      const answer = await fetch(list.dataset.liveRecent || "/portal/?partial=1", {
        headers: { Accept: "text/html" },
        credentials: "same-origin",
      });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const rows = page.querySelector("[data-live-recent]");
      if (rows) list.replaceChildren(...rows.childNodes);
      // Bonus with its expiry, what is held, what is owed: the server's own words.
      const credit = document.querySelector("[data-live-credit]");
      const now = page.querySelector("[data-live-credit]");
      if (credit && now) credit.replaceChildren(...now.childNodes);
    } catch { /* the next charge tries again */ }
  };
  document.addEventListener("balance:moved", () => {
    if (!recentTimer) recentTimer = setTimeout(refreshRecent, Math.max(0, recentAt + RECENT_MS - Date.now()));
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && latest) document.dispatchEvent(new CustomEvent("balance:moved", { detail: latest }));
  });
})();
