"use strict";
const at = (id) => document.getElementById(id);
const LONGEST = 4000; // characters of a text that stands in the address
// A worker that is made from a blob has this page's policy; one from a file would have none of its own.
const code = `import ${JSON.stringify(new URL("worker.js", location.href).href)};`;
const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
let last = 0;

function ask(text, name = "", bytes = null) {
  at("status").textContent = "Checking.";
  at("check").disabled = true;
  last += 1;
  worker.postMessage({ id: last, text, name, bytes });
}

worker.addEventListener("error", (event) => {
  at("status").textContent = `Python did not start: ${event.message || "the worker's files cannot be read"}`;
});
worker.addEventListener("message", ({ data }) => {
  if (data.state) {
    at("status").textContent = data.state;
    return;
  }
  if (data.id !== last) return;
  at("check").disabled = false;
  at("status").textContent = `Checked in ${(data.milliseconds / 1000).toFixed(1)} s.`;
  at("result").hidden = false;
  at("command").textContent = data.command || "Not understood";
  at("error").textContent = data.error;
  at("output").innerHTML = data.html; // written by convcost, which escapes all that is not its own
  at("output").hidden = !data.html;
});

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value;
  const address = `#text=${encodeURIComponent(text)}`;
  history.replaceState(null, "", text.length <= LONGEST ? address : location.pathname + location.search);
  ask(text);
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("form").requestSubmit();
});
at("examples").addEventListener("change", (event) => {
  if (event.target.value) at("text").value = event.target.value;
});

const TEXT = /\.(csv|tsv|md|markdown|tex|html?|txt|ya?ml)$/i;
async function take(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = TEXT.test(file.name) ? new TextDecoder().decode(bytes) : "";
  if (text) at("text").value = text;
  ask(text, file.name.replace(/[^\w.-]+/g, "_"), bytes);
}
at("file").addEventListener("change", (event) => { if (event.target.files[0]) take(event.target.files[0]); });
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const [file] = event.dataTransfer.files;
  const text = event.dataTransfer.getData("text/plain");
  if (file) take(file);
  else if (text) { at("text").value = text; at("form").requestSubmit(); }
});

function linked() {
  const found = /^#text=(.*)$/s.exec(location.hash);
  if (!found) return;
  try {
    at("text").value = decodeURIComponent(found[1]);
  } catch {
    at("status").textContent = "The address is not one of this page's.";
    return;
  }
  ask(at("text").value);
}
addEventListener("hashchange", linked);
linked();
