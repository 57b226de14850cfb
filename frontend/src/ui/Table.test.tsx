import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { type Column, Table } from "./Table";

type Row = { name: string; requests: number };
const columns: Column<Row>[] = [
  { id: "name", head: "Name", sort: (r) => r.name, cell: (r) => <a href="#x">{r.name}</a> },
  {
    id: "requests",
    head: "Requests",
    numeric: true,
    sort: (r) => r.requests,
    cell: (r) => r.requests,
  },
];
const rows = [
  { name: "b", requests: 2 },
  { name: "a", requests: 10 },
  { name: "c", requests: 1 },
];
const names = () =>
  within(screen.getByRole("table"))
    .getAllByRole("link")
    .map((link) => link.textContent);

it("sorts by a click on a head, says so, and turns around on the next", async () => {
  render(<Table label="Rows" columns={columns} rows={rows} rowKey={(r) => r.name} />);
  await userEvent.click(screen.getByRole("button", { name: "Requests" }));
  expect(names()).toEqual(["a", "b", "c"]);
  const head = screen.getByRole("columnheader", { name: "Requests" });
  expect(head.getAttribute("aria-sort")).toBe("descending");
  await userEvent.click(screen.getByRole("button", { name: "Requests" }));
  expect(names()).toEqual(["c", "b", "a"]);
});

it("moves between the rows' links with the arrow keys", async () => {
  render(<Table label="Rows" columns={columns} rows={rows} rowKey={(r) => r.name} />);
  screen.getByRole("link", { name: "b" }).focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowUp}");
  expect(document.activeElement?.textContent).toBe("a");
});

it("shows as many stand-ins as rows are expected", () => {
  render(
    <Table
      label="Rows"
      columns={columns}
      rows={undefined}
      rowKey={(r) => r.name}
      skeletonRows={4}
    />,
  );
  expect(screen.getAllByRole("row")).toHaveLength(5);
});

it.each([
  ["tells of a column in the first cell where there is no room for it", false, "bRequests2"],
  ["leaves the first cell alone where there is room for all columns", true, "b"],
])("%s", (_, fits, first) => {
  vi.stubGlobal("matchMedia", () => Object.assign(new EventTarget(), { matches: fits }));
  const [name, requests] = columns as [Column<Row>, Column<Row>];
  render(
    <Table
      label="Rows"
      columns={[name, { ...requests, from: "sm", stacks: true }]}
      rows={rows}
      rowKey={(r) => r.name}
    />,
  );
  expect(screen.getAllByRole("cell")[0]?.textContent).toBe(first);
  vi.unstubAllGlobals();
});
