"""What the four tools beside this file do on the site. Nothing of any program is in it: it runs in plain Python.

A program that draws must not wait for a network. So a tool begins a piece of work and goes on; the work runs on a thread of its own, and
``hand_over(answer)`` is called there. Each tool brings the answer to its program's own loop in that program's way, and shows it there.
"""

import contextlib
import threading

import sg_session

# Seconds: for the agent, which answers in milliseconds unless it renews the session; and for one answer of the site.
AGENT_LIMIT = 10.0
SITE_LIMIT = 30.0


class Answer(object):
    """How a piece of work ended: ``value``, or ``problem``, a sentence for the artist."""

    def __init__(self, value=None, problem=None):
        self.value = value
        self.problem = problem


class Background(object):
    """One piece of work at a time: who clicks twice does not ask twice."""

    def __init__(self):
        self._thread = None

    def start(self, work, hand_over):
        """Runs ``work()`` on a thread and calls ``hand_over(Answer)`` there. False, and nothing is begun, while one is under way."""
        if self._thread is not None and self._thread.is_alive():
            return False
        # daemon: a program that is closed does not wait for the site.
        self._thread = threading.Thread(target=lambda: hand_over(answer_of(work)), name="ShotGrid", daemon=True)
        self._thread.start()
        return True


def answer_of(work):
    try:
        return Answer(work())
    except Exception as error:
        return Answer(problem=explain(error))


def explain(error):
    """What the artist can do about it, and what happened. shotgun_api3's AuthenticationFault has the agent's reason as its cause."""
    reason = error if isinstance(error, sg_session.SgSessionError) else error.__cause__
    if isinstance(reason, sg_session.SgSessionError):
        return "%s (%s)" % (reason.advice, reason)
    return "ShotGrid did not answer as it should: %s" % (str(error) or type(error).__name__)


@contextlib.contextmanager
def connect():
    """shotgun_api3, as the artist, for the thread that asks. Nobody is asked to sign in from here: where nobody is signed in, that is an
    error whose advice says how."""
    sg = sg_session.shotgun(connect=False, timeout=AGENT_LIMIT)
    sg.config.timeout_secs = SITE_LIMIT
    try:
        yield sg
    finally:
        sg.close()


def find_my_tasks():
    """The tasks of the artist that are not final: dicts with ``id``, ``content``, ``entity`` and ``project``."""
    me = {"type": "HumanUser", "id": sg_session.get_session(timeout=AGENT_LIMIT).user_id}
    filters = [["task_assignees", "is", me], ["sg_status_list", "is_not", "fin"]]
    with connect() as sg:
        return sg.find("Task", filters, ["content", "entity", "project"])


def find_my_shots():
    """The shots those tasks are about, by name: dicts with ``id``, ``code``, ``project``, ``sg_cut_in`` and ``sg_cut_out``."""
    shots = set(task["entity"]["id"] for task in find_my_tasks() if task["entity"] and task["entity"]["type"] == "Shot")
    if not shots:
        return []
    with connect() as sg:
        found = sg.find("Shot", [["id", "in", sorted(shots)]], ["code", "project", "sg_cut_in", "sg_cut_out"])
    return sorted(found, key=lambda shot: (shot["project"]["name"], shot["code"]))


def publish_note(task, text):
    """Writes a Note about a task of ``find_my_tasks()``. Returns its id. Whose it is, the site knows from the session."""
    note = {"project": task["project"], "subject": label_of(task), "content": text, "tasks": [{"type": "Task", "id": task["id"]}]}
    if task["entity"]:
        note["note_links"] = [{"type": task["entity"]["type"], "id": task["entity"]["id"]}]
    with connect() as sg:
        return sg.create("Note", note)["id"]


def label_of(task):
    """A task in one line: ``Amber Coast / sq10_sh010 / Animation``."""
    entity = task["entity"]["name"] if task["entity"] else "no link"
    return "%s / %s / %s" % (task["project"]["name"], entity, task["content"])
