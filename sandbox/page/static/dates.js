// Moments in the browser's own time zone, by Slack's date tokens.

const day = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
const format = (options) => (moment) => new Intl.DateTimeFormat(undefined, options).format(moment);
const LONG = { year: "numeric", month: "long", day: "numeric" };
const SHORT = { year: "numeric", month: "short", day: "numeric" };

function pretty(options) {
  return (moment) => {
    const days = Math.round((day(new Date()) - day(moment)) / 86_400_000);
    return { 0: "today", 1: "yesterday", "-1": "tomorrow" }[days] ?? format(options)(moment);
  };
}

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(
    ([size]) => Math.abs(seconds) >= size || size === 1,
  );
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

const TOKENS = {
  date_num: (moment) =>
    [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map((n) => String(n).padStart(2, "0")).join("-"),
  date: format(LONG),
  date_short: format(SHORT),
  date_long: format({ ...LONG, weekday: "long" }),
  date_pretty: pretty(LONG),
  date_short_pretty: pretty(SHORT),
  date_long_pretty: pretty({ ...LONG, weekday: "long" }),
  day_divider_pretty: pretty({ weekday: "long", month: "long", day: "numeric" }),
  time: format({ hour: "2-digit", minute: "2-digit" }),
  time_secs: format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  ago,
};

export function inWords(moment, pattern) {
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => TOKENS[name]?.(moment) ?? whole);
}

export function localise(root) {
  for (const element of root.querySelectorAll("time[data-date-format]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) element.textContent = inWords(moment, element.dataset.dateFormat);
  }
}
