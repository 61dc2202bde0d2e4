"""MicroPython's WebAssembly port, run by node: what modules compute there."""

import json
import shutil
import subprocess
from functools import cache

PACKAGE = "@micropython/micropython-webassembly-pyscript"

# Reads {"heap": bytes, "code": source} and prints what the code prints.
RUN = """
const {pathToFileURL} = require("url");
const port = require.resolve("%s/micropython.mjs");
const {heap, code} = JSON.parse(require("fs").readFileSync(0, "utf8"));
import(pathToFileURL(port)).then(({loadMicroPython}) => loadMicroPython(
    {heapsize: heap, stdout: line => console.log(line), linebuffer: true}
)).then(micropython => micropython.runPython(code));
"""


@cache
def has_port():
    """Tell whether node finds the port (in `node_modules` or on NODE_PATH)."""
    if shutil.which("node") is None:
        return False
    find = f"require.resolve('{PACKAGE}/micropython.mjs')"
    return subprocess.run(["node", "-e", find], capture_output=True).returncode == 0


def run(code, heap=256 * 1024):
    """Lines that code prints on MicroPython with this many bytes of heap."""
    text = subprocess.run(
        ["node", "-e", RUN % PACKAGE],
        input=json.dumps({"heap": heap, "code": code}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return text.splitlines()


def results(program, rows, heap=256 * 1024):
    """Bytes of heap after the import, and sums and predictions of rows of readings."""
    code = (
        f"source = {program.source!r}\n"
        + "import gc\ngc.collect()\nbefore = gc.mem_alloc()\n"
        + "exec(source)\n"
        + "gc.collect()\nprint(gc.mem_alloc() - before)\n"
        + "import json\n"
        + f"for row in {[list(map(int, row)) for row in rows]}:\n"
        + "    print(json.dumps([sums(row), predict(row)]))\n"
    )
    heap_bytes, *lines = run(code, heap)
    return int(heap_bytes), [json.loads(line) for line in lines]
