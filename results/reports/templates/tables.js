// Sorting by a column's heading, and narrowing long tables. The page is complete without it.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
  heads.forEach((head, column) => {
    const numbers = head.classList.contains("n");
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const up = now ? now === "descending" : !numbers;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        return numbers ? x - y : x.localeCompare(y, undefined, { numeric: true });
      });
      body.append(...(up ? rows : rows.reverse()));
    });
  });
}
for (const controls of document.querySelectorAll(".controls")) {
  const rows = document.getElementById(controls.dataset.for).tBodies[0].rows;
  const [text, changed] = controls.querySelectorAll("input");
  const narrow = () => {
    const wanted = text.value.toLowerCase();
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted) || (changed.checked && row.dataset.same === "1");
    }
  };
  text.addEventListener("input", narrow);
  changed.addEventListener("change", narrow);
  controls.hidden = false;
}
