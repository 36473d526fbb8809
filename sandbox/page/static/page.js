// The page: where the person is (in the address), the live stream of what that place shows, and moving about.

import { fragment, post, state, toast } from "./api.js";
import "./actions.js";
import { setUpComposer } from "./composer.js";
import { localise } from "./dates.js";
import { showFaults } from "./faults.js";
import { keep, restore } from "./keep.js";
import { MessageList } from "./list.js";
import { showViews } from "./modals.js";

const $ = (selector) => document.querySelector(selector);
const lists = {
  channel: new MessageList($("[data-list='channel']")),
  thread: new MessageList($("[data-list='thread']")),
};
const read = new Map(JSON.parse(sessionStorage.getItem(`read-${state.as}`) ?? "[]"));
let source = null;
let heard = Date.now();
let homeShown = "";

function listen() {
  source?.close();
  const where = new URLSearchParams({ as: state.as, channel: state.channel, thread: state.thread, tab: state.tab });
  source = new EventSource(`/client/stream?${where}`);
  source.onmessage = ({ data }) => {
    heard = Date.now();
    const event = JSON.parse(data);
    HANDLERS[event.type]?.(event);
  };
  source.onopen = () => {
    heard = Date.now();
    $(".connection").hidden = true;
  };
  source.onerror = () => {
    $(".connection").hidden = false;
    delete state.live;
    // A browser gives up on an answer that is not a stream (a proxy's error page); this doesn't.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  };
}

const HANDLERS = {
  snapshot(event) {
    const { heading, topic, channel, thread } = event;
    $("[data-heading]").textContent = heading;
    $("[data-topic]").textContent = topic;
    $("[data-thread-where]").textContent = heading;
    $(".centre").setAttribute("aria-label", heading);
    const box = $("[data-composer='channel'] textarea");
    box.placeholder = `Message ${heading}`;
    box.setAttribute("aria-label", `Message ${heading}`);
    document.title = `${heading} · ${$(".workspace h1").textContent}`;
    lists.channel.reset(state.channel, channel, `Nothing here yet. This is the very start of ${heading}.`);
    lists.thread.reset(`${state.channel}/${state.thread}`, thread, "That message is gone, or isn't there for you.");
    HANDLERS.sidebar(event);
    HANDLERS.home(event);
    HANDLERS.views(event);
    state.live = "yes";
  },
  message({ list, ...message }) {
    lists[list].apply(message);
    if (list === "channel") markRead(state.channel, message.ts);
  },
  unread({ channel, ts }) {
    const link = document.querySelector(`[data-go-channel="${CSS.escape(channel)}"], [data-app-channel="${CSS.escape(channel)}"]`);
    if (link) link.dataset.latest = ts;
    showUnread();
  },
  sidebar({ sidebar }) {
    $(".sidebar-body").replaceChildren(fragment(sidebar));
    for (const link of document.querySelectorAll("[data-latest]")) {
      const channel = link.dataset.goChannel ?? link.dataset.appChannel;
      if (!read.has(channel) || channel === state.channel) markRead(channel, link.dataset.latest);
    }
    showUnread();
    layOut();
  },
  home({ home }) {
    if (home === homeShown) return;
    homeShown = home;
    const pane = $(".home-pane");
    const kept = keep(pane);
    pane.replaceChildren(fragment(home));
    localise(pane);
    restore(pane, kept);
  },
  views: ({ views }) => showViews(views),
  notice: ({ text }) => toast(text),
  gone: ({ text }) => toast(text),
};

function markRead(channel, ts) {
  if (!channel || !ts) return;
  if (Number(ts) > Number(read.get(channel) ?? 0)) read.set(channel, ts);
  sessionStorage.setItem(`read-${state.as}`, JSON.stringify([...read]));
}

function showUnread() {
  for (const link of document.querySelectorAll("[data-latest]")) {
    const channel = link.dataset.goChannel ?? link.dataset.appChannel;
    const fresh = channel !== state.channel && Number(link.dataset.latest) > Number(read.get(channel) ?? 0);
    link.classList.toggle("has-unread", fresh);
    link.querySelector(".unread").hidden = !fresh;
  }
}

/** Which panes are there; everything else about a place comes with its snapshot. */
function layOut() {
  const appChannel = $("[data-go-home]")?.dataset.appChannel ?? null;
  const inApp = state.tab === "home" || (appChannel && state.channel === appChannel);
  const home = state.tab === "home";
  $(".home-pane").hidden = !home;
  $(".messages").hidden = home;
  $("[data-composer='channel']").hidden = home;
  $(".thread").hidden = !state.thread;
  $(".tabs").hidden = !inApp || !appChannel;
  for (const tab of document.querySelectorAll("[data-tab-to]")) {
    tab.setAttribute("aria-selected", String(tab.dataset.tabTo === state.tab));
  }
  for (const link of document.querySelectorAll("[data-go-channel], [data-go-home]")) {
    const here = "goHome" in link.dataset ? inApp : !inApp && link.dataset.goChannel === state.channel;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function go(change, { remember = true } = {}) {
  const opensHome = change.tab === "home" && remember;
  Object.assign(state, { thread: "" }, change);
  state.pane = state.thread ? "thread" : (change.pane ?? "centre");
  if (remember) {
    const where = { as: state.as, channel: state.channel, thread: state.thread, tab: state.tab, pane: state.pane };
    const kept = Object.entries(where).filter(([name, value]) => value && !(name === "tab" && value === "messages") && !(name === "pane" && value !== "list"));
    history.pushState(null, "", `/?${new URLSearchParams(kept)}`);
  }
  layOut();
  listen();
  if (opensHome) openHome();
}

const onDesk = () => matchMedia("(min-width: 761px)").matches; // a phone's keyboard only comes when asked for
const openHome = () => post("/client/home", {}).catch((problem) => toast(problem.message));

document.addEventListener("click", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  const on = (selector) => (plain ? event.target.closest(selector) : null);
  const channel = on("[data-go-channel], [data-open-channel]");
  const thread = on("[data-open-thread]");
  const tab = on("[data-tab-to]");
  if (channel) {
    event.preventDefault();
    go({ channel: channel.dataset.goChannel ?? channel.dataset.openChannel, tab: "messages" });
    if (onDesk()) $("[data-composer='channel'] textarea").focus();
  } else if (on("[data-go-home]") || tab?.dataset.tabTo === "home") {
    event.preventDefault();
    go({ tab: "home", channel: $("[data-go-home]").dataset.appChannel ?? state.channel });
  } else if (tab) {
    go({ tab: "messages", channel: $("[data-go-home]").dataset.appChannel });
  } else if (thread) {
    const message = thread.closest("[data-ts]");
    go({ thread: message.dataset.ts, channel: message.dataset.channel, tab: "messages" });
    if (onDesk()) $("[data-composer='thread'] textarea").focus({ preventScroll: true });
  } else if (on("[data-close-thread]")) {
    go({ thread: "" });
  } else if (on("[data-back]")) {
    go({ pane: "list" });
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const menu = document.querySelector("details.overflow[open], details.multi[open]");
  if (menu) menu.open = false;
  else if (!$(".faults").hidden) showFaults(false);
  else if (state.thread) go({ thread: "" });
});

addEventListener("popstate", () => {
  const where = new URLSearchParams(location.search);
  const place = Object.fromEntries(["channel", "thread", "tab", "pane"].map((name) => [name, where.get(name) ?? ""]));
  go({ ...place, tab: place.tab || "messages", pane: place.pane || "centre" }, { remember: false });
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - heard > 40_000) listen(); // a phone that slept
});

document.querySelectorAll(".composer").forEach(setUpComposer);
layOut();
listen();
if (state.tab === "home") openHome();
else if (onDesk()) $("[data-composer='channel'] textarea").focus();
