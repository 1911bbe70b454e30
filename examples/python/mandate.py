"""Put an agent under Mandate with Python's standard library alone: ask before acting, report afterwards.

It fails closed. Whatever cannot be reached, does not answer in time, or does not answer as Mandate would raises
Unavailable, and the function was not run. Python 3.9 or newer; copy this file and use it.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from typing import Any, Callable, Optional

__all__ = ["Mandate", "MandateError", "Denied", "Held", "Unavailable", "Problem"]

STATUSES = {
    "recorded", "success", "failed", "denied", "waiting_for_approval", "permitted", "executing", "cancelled",
    "expired", "unknown",
}
# Refusals that are decisions about the action; every other problem is a mistake in how it was asked.
DECIDED = {
    "denied", "stopped", "frozen", "agent_unknown", "scope_missing", "consent_required", "not_approvable",
    "limit_exceeded", "throttled",
}
ATTEMPTS = 3
ANSWER_MAX_BYTES = 8 * 1024 * 1024
PERMIT_MAX_MS = 60_000


class MandateError(Exception):
    """Every one of these means the same for the action that was asked for: it was not run here."""


class Unavailable(MandateError):
    """Mandate could not be asked, or what answered is not Mandate."""


class Problem(MandateError):
    """The question itself was wrong: no valid key, a field that does not fit."""

    def __init__(self, problem: dict):
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.code = problem["code"]


class Denied(MandateError):
    """It may not run. The text says why and what to do next."""

    def __init__(self, action: str, code: str, detail: str, act_id: Optional[str]):
        super().__init__(f"{action} was not run ({code}): {detail}")
        self.code = code
        self.id = act_id


class Held(MandateError):
    """People have been asked. `proceed(held.id, function)` goes on once they have agreed."""

    def __init__(self, action: str, act: dict):
        approval = act["approval"]
        roles = ", ".join(approval["requiredRoles"]) or "an approver"
        super().__init__(f"{action} waits for approval by {roles} until {approval['expiresAt']}: {approval['url']}")
        self.id = act["id"]
        self.approval = approval


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_kwargs):
        return None  # A redirect would carry the key to somebody else.


class Mandate:
    """A client for one agent. `MANDATE_URL` and `MANDATE_API_KEY` say where and who, unless they are given."""

    def __init__(self, agent: str, url: Optional[str] = None, key: Optional[str] = None, timeout: float = 15.0):
        self.agent = agent
        self.url = (url or os.environ.get("MANDATE_URL") or "http://127.0.0.1:4007").rstrip("/")
        self._key = key or os.environ.get("MANDATE_API_KEY") or ""
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)
        if self._key == "":
            raise ValueError("There is no API key. Set MANDATE_API_KEY; mandate key create makes one.")

    def request(self, action: str, parameters: Optional[dict] = None, **fields: Any) -> dict:
        """Asks, and answers with the act: `status` says what came of it. Raises Denied for a refusal.

        `fields` are those of an action, such as `estimatedCostUsd` or `idempotencyKey`.
        """
        return self._ask(action, parameters, fields)[0]

    def run(self, action: str, parameters: Optional[dict], function: Callable[[], Any], *, wait: float = 0,
            **fields: Any) -> Any:
        """Asks, runs the function once if it may, and reports how it ended. Waits up to `wait` seconds for people.

        Returns what the function returned, or the result of an action that Mandate executes itself.
        """
        act, sent = self._ask(action, parameters, fields)
        if act["status"] == "waiting_for_approval" and wait > 0:
            act, sent = self._follow(act["id"], wait)
        return self._carry_on(action, act, sent, function)

    def proceed(self, act_id: str, function: Callable[[], Any], *, wait: float = 0) -> Any:
        """Goes on with an action that was held."""
        act, sent = self._follow(act_id, wait)
        return self._carry_on(act["action"], act, sent, function)

    def wait(self, act_id: str, seconds: float) -> dict:
        """The act as soon as it has ended or may begin, or as it stands after so many seconds."""
        return self._follow(act_id, seconds)[0]

    # What follows knows the wire: docs/http.md.

    def _ask(self, action: str, parameters: Optional[dict], fields: dict) -> tuple[dict, float]:
        body = {"agent": self.agent, "action": action, "parameters": parameters or {}, **fields}
        # Made once: every attempt is the same request, so that a lost answer never becomes a second act.
        key = str(fields.get("idempotencyKey") or uuid.uuid4())
        # Named once: somebody else who sends the same key must not read the permit of this question.
        headers = {"idempotency-key": key, "mandate-attempt": str(uuid.uuid4())}
        act, sent = self._call("POST", "/api/v1/actions", action, body, headers)
        if act["agent"] != self.agent or act["action"] != action:
            raise Unavailable("What answered spoke of another action. Nothing was run.")
        return act, sent

    def _follow(self, act_id: str, seconds: float) -> tuple[dict, float]:
        until = time.monotonic() + seconds
        while True:
            began = time.monotonic()
            hold = int(max(0, min(20, until - began)))
            headers = {"prefer": f"wait={hold}"} if hold > 0 else {}
            act, sent = self._call("GET", f"/api/v1/actions/{act_id}", "The action", None, headers, hold)
            if act["id"] != act_id:
                raise Unavailable("What answered spoke of another act. Nothing was run.")
            if act["status"] not in ("waiting_for_approval", "executing") or time.monotonic() >= until:
                return act, sent
            time.sleep(max(0.0, min(1 - (time.monotonic() - began), until - time.monotonic())))

    def _carry_on(self, action: str, act: dict, sent: float, function: Callable[[], Any]) -> Any:
        status = act["status"]
        if status == "success":
            return act.get("result")
        if status == "waiting_for_approval":
            raise Held(action, act)
        if status != "permitted" or not act.get("permit"):
            detail = act.get("error") or " ".join(act["decision"]["reasons"]) or "It is not for us to run."
            raise Denied(action, status, detail, act["id"])
        # Counted from the moment the question was sent, so that neither a slow answer nor a wrong clock stretches it.
        if time.monotonic() >= sent + act["startWithinMs"] / 1000:
            raise Unavailable(f"The permit of {action} ran out before it could begin. Nothing was run; ask again.")
        try:
            result = function()
        except BaseException as error:
            self._report(act, {"status": "failed", "error": _text_of(error)})
            raise
        self._report(act, {"status": "success", "result": _json_of(result)})
        return result

    def _report(self, act: dict, outcome: dict) -> None:
        """What is done is done, whatever becomes of this message: without it the act becomes unknown."""
        body = {"permit": act["permit"], **outcome}
        try:
            self._call("POST", f"/api/v1/actions/{act['id']}/outcome", act["action"], body, {})
        except Exception as error:
            # Raised, it would look as if the function had failed, and a caller would run it again.
            print(f"mandate: the outcome of act {act['id']} could not be reported: {error}", file=sys.stderr)

    def _call(self, method: str, path: str, action: str, body: Optional[dict], headers: dict,
              hold: float = 0) -> tuple[dict, float]:
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {"authorization": f"Bearer {self._key}", "accept": "application/json", **headers}
        if data is not None:
            headers["content-type"] = "application/json"
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                time.sleep(0.15 * 2**attempt)
            sent = time.monotonic()
            request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
            try:
                status, kind, text = self._exchange(request, self._timeout + hold)
            except (OSError, ValueError, http.client.HTTPException) as error:
                why = f"Mandate at {self.url} cannot be reached ({error}); start it, or correct MANDATE_URL."
                continue
            if status >= 500:
                why = f"Mandate answered {status}."
                continue
            answer = _read(kind, text)
            if 200 <= status < 300:
                return _act_of(answer), sent
            raise _refusal_of(action, answer)
        raise Unavailable(f"{why} Nothing was run.")


    def _exchange(self, request: urllib.request.Request, seconds: float) -> tuple[int, str, bytes]:
        """One request and its whole answer within so many seconds, where a socket's timeout is one for each byte."""
        answered: list = []

        def exchange() -> None:
            try:
                with self._opener.open(request, timeout=seconds) as response:
                    kind, text = response.headers.get_content_type(), response.read(ANSWER_MAX_BYTES + 1)
                    answered.append((response.status, kind, text))
            except urllib.error.HTTPError as error:
                try:
                    answered.append((error.code, error.headers.get_content_type(), error.read(ANSWER_MAX_BYTES + 1)))
                except Exception as broken:
                    answered.append(broken)
            except Exception as error:
                answered.append(error)

        # An answer that drips without end keeps its thread, and neither the caller nor the end of the program.
        thread = threading.Thread(target=exchange, daemon=True)
        thread.start()
        thread.join(seconds)
        if not answered:
            raise TimeoutError(f"no whole answer within {seconds:g} s")
        if isinstance(answered[0], Exception):
            raise answered[0]
        return answered[0]


def _read(kind: str, text: bytes) -> dict:
    try:
        answer = json.loads(text) if kind in ("application/json", "application/problem+json") else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or len(text) > ANSWER_MAX_BYTES:
        raise Unavailable("What answered is not Mandate. Nothing was run. Check MANDATE_URL.")
    return answer


def _act_of(answer: dict) -> dict:
    """An answer without a decision permits nothing: a field that was guessed could be the one that says no."""
    decision = answer.get("decision")
    is_act = (
        answer.get("status") in STATUSES
        and all(isinstance(answer.get(name), str) and answer[name] != "" for name in ("id", "agent", "action"))
        and isinstance(decision, dict)
        and isinstance(decision.get("reasons"), list)
        and (answer["status"] != "waiting_for_approval" or isinstance(answer.get("approval"), dict))
    )
    if is_act and answer.get("permit") is not None:
        within = answer.get("startWithinMs")
        is_act = (
            answer["status"] == "permitted"
            and decision.get("effect") == "execute"
            and isinstance(within, (int, float))
            and not isinstance(within, bool)
            # Also refuses NaN and Infinity, which are no JSON and which Python's reader takes all the same.
            and 0 <= within <= PERMIT_MAX_MS
        )
    if not is_act:
        raise Unavailable("What answered is not Mandate, or not a version that this file understands. Nothing was run.")
    return answer


def _refusal_of(action: str, answer: dict) -> MandateError:
    code, detail = answer.get("code"), answer.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        return Unavailable("What answered is not Mandate. Nothing was run. Check MANDATE_URL.")
    if code in DECIDED:
        return Denied(action, code, detail, answer.get("actionId"))
    return Problem({"code": code, "detail": detail})


def _text_of(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:5000]
    except Exception:
        return type(error).__name__


def _json_of(value: Any) -> Any:
    try:
        text = json.dumps(value, allow_nan=False)
    except Exception as error:
        return {"omitted": f"It is no JSON: {_text_of(error)}"}
    return value if len(text) <= 500_000 else {"omitted": f"Its JSON has {len(text)} characters."}
