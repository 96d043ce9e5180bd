"""slack: a message to a Slack channel."""

from __future__ import annotations

import json
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, one_of
from nxtplay.core.state import Secret
from nxtplay.core.types import Raw
from nxtplay.modules import _http

COLOURS = ("normal", "good", "warning", "danger")
API = "https://slack.com/api/chat.postMessage"


class Slack(Action):
    """Send a message to Slack, or to anything that takes Slack's webhooks."""

    private = False
    rules = (one_of("msg", "attachments", "blocks"), one_of("token", "webhook_url"))

    token: Secret | None = arg(None, help="Token of an app (xoxb-...), or of a webhook: T.../B.../X..., the last part of its address.")
    webhook_url: Secret | None = arg(None, help="Address of a webhook, whole; instead of token.")
    msg: str | None = arg(None, help="Text; &, < and > are escaped.")
    channel: str | None = arg(None, help="Channel or person; a webhook has its own.")
    thread_id: str | None = arg(None, help="Message to answer to.")
    message_id: str | None = arg(None, help="Message to change (with an app's token).")
    username: str = arg("nxtplay", help="Name it is shown under.")
    icon_url: str | None = arg(None, help="Picture beside it.")
    icon_emoji: str | None = arg(None, help="Emoji instead.")
    link_names: Literal[0, 1] = arg(1, help="Whether @names and #channels become links.")
    parse: Literal["full", "none"] | None = arg(None, help="How the text is read by Slack.")
    validate_certs: bool = arg(True, help="Check the server's certificate.")
    color: str = arg("normal", help="good, warning, danger or #rrggbb shows the text beside a bar of this colour.")
    attachments: list[Raw] | None = arg(None, help="Attachments as Slack takes them.")
    blocks: list[Raw] | None = arg(None, help="Blocks as Slack takes them.")
    prepend_hash: Literal["always", "never", "auto"] = arg("never", help="Whether # is put before the channel.")
    domain: str | None = arg(None, help="Ignored; old webhooks had one.")

    def due(self, host: Reader) -> Optional[str]:
        if self.color not in COLOURS and not (self.color.startswith("#") and len(self.color) in (4, 7)):
            raise Failed(f"color: '{self.color}' is none; normal, good, warning, danger, #rgb or #rrggbb")
        return f"message to {self.channel or 'Slack'}"

    def perform(self, host: Host) -> dict[str, Any]:
        token = str.__str__(self.token or "")
        headers = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
        if self.webhook_url is not None:
            url = str.__str__(self.webhook_url)
        elif token.startswith("xox"):
            url = API.replace("postMessage", "update") if self.message_id else API
            headers["Authorization"] = f"Bearer {token}"
        elif token.count("/") == 2:
            url = f"https://hooks.slack.com/services/{token}"
        else:
            raise Failed("token: neither an app's (xoxb-...) nor a webhook's (T.../B.../X...)")
        request = _http.Request(url, "POST", json.dumps(self._payload()).encode(), headers, 20.0, self.validate_certs, environ=host.environ)
        try:
            answer = _http.send(request)
        except Failed as failed:
            raise Failed(f"slack: {failed.message.replace(url, 'the webhook')}") from None  # its address is its password
        said = answer.body.decode("utf-8", "replace")
        if answer.status != 200:
            raise Failed(f"slack: refused with {answer.status}: {said[:300]}")
        return self._of_api(said) if url.startswith("https://slack.com/api") else {"msg": said}

    def _of_api(self, said: str) -> dict[str, Any]:
        found = json.loads(said)
        if not found.get("ok"):
            raise Failed(f"slack: refused: {found.get('error')}")
        return {"channel": found.get("channel"), "ts": found.get("ts")}

    def _payload(self) -> dict[str, Any]:
        out: dict[str, Any] = {"username": self.username, "link_names": self.link_names}
        text = self.msg.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if self.msg is not None else None
        if text is not None and self.color != "normal":
            out["attachments"] = [{"text": text, "fallback": text, "color": self.color, "mrkdwn_in": ["text"]}]
        elif text is not None:
            out["text"] = text
        if self.channel:
            bare = not self.channel.startswith(("#", "@", "C0", "GF", "G0"))
            out["channel"] = f"#{self.channel}" if self.prepend_hash == "always" or (self.prepend_hash == "auto" and bare) else self.channel
        if self.attachments is not None:
            out["attachments"] = [*out.get("attachments", []), *self.attachments]
        named = {
            "thread_ts": self.thread_id,
            "ts": self.message_id,
            "icon_emoji": self.icon_emoji,
            "parse": self.parse,
            "blocks": self.blocks,
        }
        out.update({name: value for name, value in named.items() if value is not None})
        if self.icon_url and not self.icon_emoji:
            out["icon_url"] = self.icon_url
        return out
