"""Runs the Python of one page, block after block in one namespace, as a reader does who follows it. A JSON line a block on standard input,
a JSON line of how it went on standard output."""

import contextlib
import io
import json
import sys
import traceback

sys.path.insert(0, "")
namespace = {"__name__": "snippet"}
for line in iter(sys.stdin.readline, ""):
    block = json.loads(line)
    printed = io.StringIO()
    failed = None
    try:
        # Errors then name the line of the page.
        code = compile("\n" * block["line"] + block["text"], block["page"], "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
    except Exception:
        failed = traceback.format_exc()
    sys.stdout.write(json.dumps({"failed": failed, "printed": printed.getvalue()}) + "\n")
    sys.stdout.flush()
