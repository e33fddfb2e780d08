// Python, in a worker: it reads what stands beside it, and answers one question after the other.
const here = new URL(".", import.meta.url);
const say = (state) => postMessage({ state });

async function start() {
  const { loadPyodide } = await import(new URL("pyodide/pyodide.mjs", here).href);
  const read = async (name) => {
    const response = await fetch(new URL(name, here));
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    return response;
  };
  const config = await (await read("config.json")).json();
  const archives = config.archives.map(async (name) => (await read(name)).arrayBuffer());
  const python = await loadPyodide({ indexURL: new URL("pyodide/", here).href });
  if (config.load.length) await python.loadPackage(config.load, { messageCallback: () => {} });
  for (const archive of archives) python.unpackArchive(await archive, "zip", { extractDir: "/convcost" });
  python.runPython("import os, sys; sys.path.insert(0, '/convcost'); os.makedirs('/desk'); os.chdir('/desk')");
  const answer = python.runPython("from convcost.cli.browser import answer; answer");
  say(config.load.includes("numpy") ? "Ready." : "Ready. Without numpy, tables and claims are checked plainly.");
  return { python, answer };
}

const started = start();
started.catch((error) => say(`Python did not start: ${error.message}`));

addEventListener("message", async ({ data: { id, text, name, bytes } }) => {
  const { python, answer } = await started;
  const before = performance.now();
  let found;
  try {
    if (name) python.FS.writeFile(`/desk/${name}`, bytes);
    const said = answer(text, name);
    found = said.toJs({ dict_converter: Object.fromEntries });
    said.destroy();
  } catch (error) {
    const line = String(error.message).trim().split("\n").pop();
    found = { command: "", html: "", error: `this is a fault of ours: ${line}`, status: 3 };
  }
  postMessage({ id, ...found, milliseconds: performance.now() - before });
});
