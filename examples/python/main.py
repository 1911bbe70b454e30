"""An agent in Python under Mandate, with the standard library alone. The same shop as in the other examples.

    MANDATE_CHARTER=examples/shop/charter.yaml npm start
    MANDATE_API_KEY=<a key of the agent clerk-1> PERSON_KEY=<a key of an admin> python3 examples/python/main.py
"""

import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from mandate import Denied, Held, Mandate, Unavailable

ledger = []


def look_up(order):
    ledger.append(f"looked up {order}")
    return {"order": order, "total": 40}


def refund(order):
    ledger.append(f"refunded {order}")
    return {"refunded": 40}


def erase(customer):
    ledger.append(f"erased {customer}")


def person(method, path, body=None):
    """The person, elsewhere and with a key of their own."""
    request = urllib.request.Request(
        mandate.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {os.environ['PERSON_KEY']}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def refused(kind, function):
    try:
        function()
    except kind as error:
        return error
    raise AssertionError("it ran")


mandate = Mandate("clerk-1")

# Green runs at once, and Mandate knows how it ended.
found = mandate.run("shop.look_up_order", {"order": 7}, lambda: look_up(7))
assert found == {"order": 7, "total": 40}

# Red waits for a person; the function has not run.
held = refused(Held, lambda: mandate.run("shop.refund_order", {"order": 7}, lambda: refund(7)))
assert ledger == ["looked up 7"]
person("POST", f"/api/v1/approvals/{held.approval['id']}/decision",
       {"decision": "approve", "digest": held.approval["digest"], "reason": "the parcel was broken"})
assert mandate.proceed(held.id, lambda: refund(7), wait=20) == {"refunded": 40}
assert mandate.wait(held.id, 0)["status"] == "success"
assert mandate.proceed(held.id, lambda: refund(7)) == {"refunded": 40}, "its result, and no second refund"
assert ledger == ["looked up 7", "refunded 7"]

# Black never runs, and says why.
denied = refused(Denied, lambda: mandate.run("shop.erase_customer", {"customer": "ann"}, lambda: erase("ann")))
assert denied.code == "denied", denied

# A function that fails is reported as failed, and its own error comes back.
refused(ZeroDivisionError, lambda: mandate.run("shop.look_up_order", {"order": 8}, lambda: 1 / 0))
last = person("GET", "/api/v1/actions?agent=clerk-1&status=failed")["items"]
assert "ZeroDivisionError" in last[0]["error"], last

# Stopped in the middle of the session: not even green runs.
person("POST", "/api/v1/stop", {"reason": "somebody saw something odd"})
stopped = refused(Denied, lambda: mandate.run("shop.look_up_order", {"order": 9}, lambda: look_up(9)))
assert stopped.code == "stopped", stopped
person("POST", "/api/v1/resume", {"reason": "it was nothing"})


# Something else answers at that address, as a proxy or a wrong port would: nothing runs on any of it.
RUBBISH = [
    (200, "text/html", b"<h1>Welcome</h1>"),
    (200, "application/json", b'{"status":"permitted"'),
    (200, "application/json", b"null"),
    (200, "application/json", b'{"id":"x","agent":"clerk-1","action":"shop.look_up_order","status":"permitted"}'),
    (200, "application/json", b'{"id":"x","agent":"clerk-1","action":"shop.erase_customer","status":"permitted",'
     b'"permit":"p","startWithinMs":5000,"decision":{"effect":"execute","reasons":[]}}'),
    (200, "application/json", b'{"id":"x","agent":"clerk-1","action":"shop.look_up_order","status":"permitted",'
     b'"permit":"p","startWithinMs":5000,"decision":{"effect":"deny","reasons":[]}}'),
    (307, "application/json", b"{}"),
    (403, "application/json", b'{"message":"Forbidden"}'),
    (500, "application/json", b'{"code":"internal","detail":"Oh."}'),
]


class Peer(BaseHTTPRequestHandler):
    def do_POST(self):
        status, kind, body = RUBBISH[int(self.path.split("/")[1])]
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if status == 307:
            self.send_header("location", "/3/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


peer = HTTPServer(("127.0.0.1", 0), Peer)
threading.Thread(target=peer.serve_forever, daemon=True).start()
for i in range(len(RUBBISH)):
    odd = Mandate("clerk-1", url=f"http://127.0.0.1:{peer.server_port}/{i}")
    refused(Unavailable, lambda: odd.run("shop.look_up_order", {"order": 9}, lambda: look_up(9)))
peer.shutdown()

# And without a server nothing runs either.
input("Now end the server, then press Enter.\n")
alone = refused(Unavailable, lambda: mandate.run("shop.look_up_order", {"order": 9}, lambda: look_up(9)))
assert "cannot be reached" in str(alone), alone
assert ledger == ["looked up 7", "refunded 7"]

print("looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server")
