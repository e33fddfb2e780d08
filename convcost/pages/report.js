"use strict";
// Rational numbers are [n, d]: BigInts, d > 0, in lowest terms.
const gcd = (a, b) => { a = a < 0n ? -a : a; while (b) [a, b] = [b, a % b]; return a; };
const rational = (n, d = 1n) => { const g = gcd(n, d) || 1n; return [n / g, d / g]; };
const parse = (text) => {
  const found = /^(-?\d+)(?:\/(\d+)|\.(\d+))?$/.exec(String(text).trim());
  if (!found) throw new Error("a number such as 224 or 0.75");
  if (found[3]) return rational(BigInt(found[1] + found[3]), 10n ** BigInt(found[3].length));
  return rational(BigInt(found[1]), BigInt(found[2] || 1));
};
const add = (a, b) => rational(a[0] * b[1] + b[0] * a[1], a[1] * b[1]);
const times = (a, b) => rational(a[0] * b[0], a[1] * b[1]);
const less = (a, b) => a[0] * b[1] < b[0] * a[1];
const floor = (a) => { const q = a[0] / a[1]; return a[0] % a[1] < 0n ? q - 1n : q; };

// A polynomial as `Poly.to_json` has it: atoms in order, each made of earlier ones, then the terms.
function evaluate(form, values) {
  const known = [];
  const sum = (terms) => {
    if (!Array.isArray(terms)) return parse(terms);
    let total = [0n, 1n];
    for (const [coefficient, ...factors] of terms) {
      total = add(total, factors.reduce((product, at) => times(product, known[at]), parse(coefficient)));
    }
    return total;
  };
  for (const atom of form.atoms) {
    if ("symbol" in atom) known.push(values[atom.symbol]);
    else if ("floor" in atom) known.push([floor(times(sum(atom.floor), [1n, BigInt(atom.divisor)])), 1n]);
    else if ("maximum" in atom) known.push(atom.maximum.map(sum).reduce((a, b) => less(a, b) ? b : a));
    else if ("positive" in atom) known.push([less([0n, 1n], sum(atom.positive)) ? 1n : 0n, 1n]);
    else {
      const value = sum(atom.make_divisible), unit = BigInt(atom.divisor);
      let multiple = floor(add(times(value, rational(1n, unit)), [1n, 2n]));
      if (multiple < 1n) multiple = 1n;
      if (less([10n * unit * multiple, 1n], times([9n, 1n], value))) multiple += 1n;
      known.push([multiple, 1n]);
    }
  }
  return sum(form.terms);
}

function inside(forms, values) {
  for (const [name, least] of Object.entries(forms.least)) {
    const low = parse(least);
    if (less(values[name], low) || (forms.above.includes(name) && !less(low, values[name]))) return false;
  }
  return forms.conditions.every(({ value, relation }) => {
    const [n] = evaluate(value, values);
    return relation === "==" ? n === 0n : relation === ">=" ? n >= 0n : n > 0n;
  });
}

const said = ([n, d]) => n.toLocaleString("en-US") + (d === 1n ? "" : "/" + d);

function sliders(section, forms) {
  const show = () => {
    const values = {};
    let wrong = "";
    for (const input of section.querySelectorAll("input[type=number]")) {
      try { values[input.name] = parse(input.value); } catch (error) { wrong = `${input.name}: ${error.message}`; }
    }
    if (!wrong && !inside(forms, values)) wrong = `outside: the formula holds for ${forms.domain}`;
    section.querySelector(".outside").textContent = wrong;
    for (const output of section.querySelectorAll("output")) {
      output.textContent = wrong ? "–" : said(evaluate(forms.forms[output.name], values));
    }
  };
  for (const label of section.querySelectorAll(".slider")) {
    const [range, number] = label.querySelectorAll("input");
    range.addEventListener("input", () => { number.value = range.value; show(); });
    number.addEventListener("input", () => { range.value = number.value; show(); });
  }
  show();
}

// A table of layers: a body for each scope, its sums in the first row, its layers below.
function layers(table) {
  const bodies = () => [...table.tBodies];
  const open = (body, is) => {
    body.classList.toggle("open", is);
    body.querySelector("button")?.setAttribute("aria-expanded", is);
  };
  for (const body of bodies()) {
    body.querySelector("button")?.addEventListener("click", () => open(body, !body.classList.contains("open")));
  }
  const controls = document.getElementById(table.dataset.controls);
  controls.hidden = false;
  controls.querySelector(".unfold").addEventListener("click", () => bodies().forEach((body) => open(body, true)));
  controls.querySelector(".fold").addEventListener("click", () => bodies().forEach((body) => open(body, false)));
  controls.querySelector("input").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (row) => wanted.every((word) => row.textContent.toLowerCase().includes(word));
    for (const body of bodies()) {
      const [head, ...rows] = body.rows;
      for (const row of rows) row.hidden = !has(row);
      const found = rows.some((row) => !row.hidden);
      body.hidden = !found && !has(head);
      if (wanted.length) open(body, found);
      else if (rows.length) open(body, false);
    }
  });
  const value = (row, at) => {
    const text = row.cells[at].textContent.trim();
    const number = Number(text.replace(/[,%<]/g, ""));
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compare = (at, up) => (a, b) => {
    const [x, y] = [value(a, at), value(b, at)];
    const numbers = typeof x === "number" && typeof y === "number";
    return (numbers ? x - y : String(x).localeCompare(String(y), "en", { numeric: true })) * (up ? 1 : -1);
  };
  const original = bodies().map((body) => [body, [...body.rows]]);
  [...table.tHead.rows[0].cells].forEach((cell, at) => {
    cell.querySelector("button").addEventListener("click", () => {
      const state = { none: "descending", descending: "ascending", ascending: "none" }[cell.ariaSort || "none"];
      for (const other of table.tHead.rows[0].cells) other.ariaSort = "none";
      cell.ariaSort = state;
      const order = original.map(([body, rows]) => [body, [...rows]]);
      if (state !== "none") {
        const by = compare(at, state === "ascending");
        order.sort(([, [a]], [, [b]]) => by(a, b));
        for (const part of order) part[1] = [part[1][0], ...part[1].slice(1).sort(by)];
      }
      for (const [body, rows] of order) { body.append(...rows); table.insertBefore(body, table.tFoot); }
    });
  });
}

// A table of networks: sorted by its columns, limited by what stands above them.
function catalog(table) {
  const [body] = table.tBodies, rows = [...body.rows], controls = document.getElementById(table.dataset.controls);
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, at) => row.cells[at].dataset.v;
  const scales = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  const count = (text) => {
    const found = /^([\d.,]+)\s*([KMGT]?)i?B?$/i.exec(text.trim());
    return found ? Number(found[1].replaceAll(",", "")) * (scales[found[2].toUpperCase()] || 1) : NaN;
  };
  const inputs = [...controls.querySelectorAll("input, select")];
  const filter = () => {
    let shown = 0;
    const limits = inputs.filter((input) => input.value.trim() !== "");
    for (const input of inputs) {
      const wrong = "limit" in input.dataset && input.value.trim() !== "" && Number.isNaN(count(input.value));
      input.setAttribute("aria-invalid", wrong);
    }
    const holds = (row) => limits.every((input) => {
      const { column, limit } = input.dataset;
      if (column === undefined) {
        const text = row.textContent.toLowerCase();
        return input.value.toLowerCase().split(/\s+/).every((word) => text.includes(word));
      }
      const own = value(row, column);
      if (limit === undefined) return own === input.value;
      if (own === "") return false;
      const most = count(input.value);
      return Number.isNaN(most) || (limit === "most" ? Number(own) <= most : Number(own) >= most);
    });
    for (const row of rows) { row.hidden = !holds(row); shown += !row.hidden; }
    controls.querySelector("output").textContent = `${shown} of ${rows.length}`;
  };
  for (const input of inputs) input.addEventListener("input", filter);
  heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
    const up = head.ariaSort !== "ascending";
    for (const other of heads) other.ariaSort = "none";
    head.ariaSort = up ? "ascending" : "descending";
    const sorted = [...rows].sort((a, b) => {
      const [x, y] = [value(a, at), value(b, at)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = head.dataset.number ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
      return up ? order : -order;
    });
    body.append(...sorted);
  }));
  controls.hidden = false;
  filter();
}

document.documentElement.classList.add("js");
const data = JSON.parse(document.getElementById("data").textContent);
for (const [id, forms] of Object.entries(data)) sliders(document.getElementById(id), forms);
for (const table of document.querySelectorAll("table.layers")) layers(table);
for (const table of document.querySelectorAll("table.catalog")) catalog(table);
