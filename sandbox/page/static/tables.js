// data_table blocks: sort by a header, filter, page. The rows are all there; this only orders and hides them.

export function setUpTables(root) {
  for (const table of root.querySelectorAll(".data-table:not([data-ready])")) {
    table.dataset.ready = "";
    table.look = { column: -1, down: false, filter: "", page: 0 };
    [...table.querySelectorAll("tbody tr")].forEach((row, index) => (row.order = index));
    table.querySelector(".data-table-filter")?.addEventListener("input", (event) => {
      show(table, { filter: event.target.value, page: 0 });
    });
    table.querySelector(".page-back").addEventListener("click", () => show(table, { page: table.look.page - 1 }));
    table.querySelector(".page-on").addEventListener("click", () => show(table, { page: table.look.page + 1 }));
    for (const button of table.querySelectorAll(".sort")) {
      button.addEventListener("click", () => {
        const column = Number(button.dataset.column);
        const { look } = table;
        if (look.column !== column) show(table, { column, down: false, page: 0 });
        else if (!look.down) show(table, { down: true, page: 0 });
        else show(table, { column: -1, down: false, page: 0 });
      });
    }
  }
}

export const readTable = (table) => table.look;

export function writeTable(table, look) {
  const filter = table.querySelector(".data-table-filter");
  if (filter) filter.value = look.filter;
  show(table, look);
}

function show(table, change) {
  Object.assign(table.look, change);
  const { column, down, filter } = table.look;
  const size = Number(table.dataset.pageSize);
  const rows = [...table.querySelectorAll("tbody tr")].sort((a, b) => a.order - b.order);
  if (column >= 0) rows.sort((a, b) => compare(a, b, column) * (down ? -1 : 1));
  const wanted = filter.trim().toLowerCase();
  const matching = rows.filter((row) => row.textContent.toLowerCase().includes(wanted));
  const last = Math.max(0, Math.ceil(matching.length / size) - 1);
  const page = (table.look.page = Math.min(Math.max(table.look.page, 0), last));
  const visible = new Set(matching.slice(page * size, (page + 1) * size));
  for (const row of rows) row.hidden = !visible.has(row);
  table.querySelector("tbody").append(...rows);
  table.querySelectorAll("thead th").forEach((head, index) => {
    head.setAttribute("aria-sort", index !== column ? "none" : down ? "descending" : "ascending");
  });
  const from = matching.length ? page * size + 1 : 0;
  const total = rows.length === matching.length ? matching.length : `${matching.length} (${rows.length} in all)`;
  table.querySelector(".page-where").textContent = `${from}–${Math.min((page + 1) * size, matching.length)} of ${total}`;
  table.querySelector(".page-back").disabled = page === 0;
  table.querySelector(".page-on").disabled = page === last;
}

function compare(a, b, column) {
  const [one, other] = [a, b].map((row) => row.children[column]?.dataset.sort ?? "");
  const [first, second] = [Number(one), Number(other)];
  if (one !== "" && other !== "" && !Number.isNaN(first) && !Number.isNaN(second)) return first - second;
  return one.localeCompare(other, undefined, { numeric: true });
}
