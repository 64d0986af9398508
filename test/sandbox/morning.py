"""Types the lines of the README into Python and prints what then stands on the screen; for the picture of the morning."""

import code
import sys

LINES = (
    "import sg_session",
    "sg = sg_session.shotgun()",
    '[project["name"] for project in sg.find("Project", [], ["name"])]',
    "sg_session.get_session()",
)

console = code.InteractiveConsole()
for line in LINES:
    print(">>> " + line)
    sys.stdout.flush()
    console.push(line)
print(">>> ")
