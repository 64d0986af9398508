"""A program that calls, and does with its connection what it is told, line by line on descriptor 3: see caller.ts."""
import array
import json
import os
import socket
import ssl
import sys
import time

line = None
earlier = []
heard = b""


def told():
    # Byte by byte: what stands behind belongs to whoever comes after an exec or a fork.
    text = b""
    while not text.endswith(b"\n"):
        byte = os.read(3, 1)
        if not byte:
            sys.exit(0)
        text += byte
    return json.loads(text)


def say(what):
    os.write(1, json.dumps(what).encode() + b"\n")


def connect(port):
    global line
    earlier.append(line)
    line = socket.create_connection(("127.0.0.1", port))
    line.set_inheritable(True)
    return line.fileno()


def secure(certificate):
    global line
    context = ssl.create_default_context(cadata=certificate)
    context.check_hostname = False
    line = context.wrap_socket(line)
    line.set_inheritable(True)


def send(*messages):
    line.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))


def ask(message):
    global heard
    send(message)
    while b"\n" not in heard:
        more = line.recv(65536)
        if not more:
            return None
        heard += more
    answer, heard = heard.split(b"\n", 1)
    return json.loads(answer)


def fork():
    """The child holds what we hold, and sleeps."""
    child = os.fork()
    if child == 0:
        time.sleep(120)
        os._exit(0)
    return child


def fork_away(*program):
    """The child goes on; the parent becomes another program."""
    child = os.fork()
    if child:
        os.execv(program[0], program)
    return os.getpid()


def fork_on():
    """The child goes on; the parent ends."""
    if os.fork():
        os._exit(0)
    return os.getpid()


def shout(*messages):
    """Says it all and is gone."""
    send(*messages)
    os._exit(0)


def fork_and_exec(*program):
    child = os.fork()
    if child == 0:
        os.execv(program[0], program)
    return child


def become(program, script=__file__):
    os.execv(program, [program, script, str(line.fileno())])


def give(path):
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(path)
        way.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [line.fileno()]))])
        way.recv(1)


def take(path):
    global line
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(1)
        say(None)
        way, _ = door.accept()
    with way:
        _, ancillary, _, _ = way.recvmsg(1, socket.CMSG_SPACE(4))
        line = socket.socket(fileno=array.array("i", ancillary[0][2])[0])
        way.sendall(b"x")


def fill():
    """Sends until nobody takes any more, so that something is left to send when we are gone."""
    line.setblocking(False)
    try:
        while True:
            line.send(b"x" * 65536)
    except BlockingIOError:
        return None


def unlink():
    os.unlink(os.readlink("/proc/self/exe"))


def hang_up():
    line.close()


def leave():
    os._exit(0)


if len(sys.argv) > 1:
    line = socket.socket(fileno=int(sys.argv[1]))
    say(os.getpid())
while True:
    act, *what = told()
    say(globals()[act](*what))
