"""mail: a message sent by SMTP."""

from __future__ import annotations

import mimetypes
import os
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, together
from nxtplay.core.state import Secret
from nxtplay.core.types import Path
from nxtplay.modules import _files


class Mail(Action):
    """Send an e-mail."""

    private = False
    rules = (together("username", "password"),)

    subject: str = arg(help="Subject.", aliases=["msg"])
    body: str | None = arg(None, help="Text; the subject unless given.")
    sender: str = arg("root", help="Who sends it: ADDRESS or NAME <ADDRESS>.", aliases=["from"])
    to: list[str] = arg(default_factory=lambda: ["root"], help="Who gets it.", aliases=["recipients"])
    cc: list[str] = arg(default_factory=list, help="Who gets a copy.")
    bcc: list[str] = arg(default_factory=list, help="Who gets one that the others do not see.")
    host: str = arg("localhost", help="Mail server.")
    port: int = arg(25, help="Its port.")
    username: str | None = arg(None, help="User to log in as.")
    password: Secret | None = arg(None, help="Password for it.")
    secure: Literal["always", "never", "starttls", "try"] = arg(
        "try", help="always: TLS from the start. starttls: TLS must be had before anything is said. try: where it is offered."
    )
    validate_certs: bool = arg(True, help="Check the server's certificate.")
    ca_path: Path | None = arg(None, help="File of certificate authorities to trust.")
    attach: list[Path] = arg(default_factory=list, help="Files of the host to attach.")
    headers: list[str] = arg(default_factory=list, help="Further headers, as NAME=VALUE.")
    subtype: Literal["plain", "html"] = arg("plain", help="Kind of text.")
    charset: str = arg("utf-8", help="Encoding of the text.")
    timeout: int = arg(20, help="Seconds to wait for the server.")
    ehlohost: str | None = arg(None, help="Name to greet the server with.")
    message_id_domain: str | None = arg(None, help="Domain in the message's id.")

    def due(self, host: Reader) -> Optional[str]:
        for path in self.attach:
            if host.stat(_files.host_path(path), follow=True) is None:
                raise Failed(f"attach: no file {path}")
        return f"mail to {', '.join([*self.to, *self.cc, *self.bcc])}"

    def perform(self, host: Host) -> dict[str, Any]:
        import smtplib
        import ssl
        from email.utils import getaddresses

        message = self._message(host)
        receivers = [address for _, address in getaddresses([*self.to, *self.cc, *self.bcc]) if address]
        try:
            with self._connect() as server:
                server.ehlo_or_helo_if_needed()
                self._encrypt(server)
                if self.username is not None:
                    server.login(self.username, str.__str__(self.password or ""))
                refused = server.send_message(message, self._sender()[1], receivers)
        except smtplib.SMTPAuthenticationError as error:
            raise Failed(f"mail: {self.host} refuses the login of {self.username}: {_said(error.smtp_error)}") from error
        except smtplib.SMTPRecipientsRefused as error:
            why = "; ".join(f"{address}: {_said(text)}" for address, (_, text) in error.recipients.items())
            raise Failed(f"mail: {self.host} takes it for none of the receivers: {why}") from error
        except smtplib.SMTPResponseException as error:
            raise Failed(f"mail: {self.host} refuses: {error.smtp_code} {_said(error.smtp_error)}") from error
        except ssl.SSLError as error:
            raise Failed(f"mail: TLS with {self.host} port {self.port} failed: {error}") from error
        except (smtplib.SMTPException, OSError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Failed(f"mail: cannot send through {self.host} port {self.port}: {why}") from error
        if refused:
            raise Failed(f"mail: not taken for {', '.join(refused)}; the others have it")
        return {"recipients": receivers}

    def _sender(self) -> tuple[str, str]:
        from email.utils import parseaddr

        return parseaddr(self.sender)

    def _message(self, host: Host) -> Any:
        from email.message import EmailMessage
        from email.utils import formatdate, make_msgid

        message = EmailMessage()
        try:
            message["From"], message["To"] = self.sender, ", ".join(self.to)
            if self.cc:
                message["Cc"] = ", ".join(self.cc)
            message["Subject"] = " ".join(self.subject.splitlines())
            message["Date"] = formatdate(localtime=True)
            message["Message-ID"] = make_msgid("nxtplay", self.message_id_domain)
            for header in self.headers:
                name, _, value = header.partition("=")
                message[name.strip()] = value.strip()
            message.set_content(self.body if self.body is not None else self.subject, subtype=self.subtype, charset=self.charset)
        except (ValueError, LookupError) as error:
            raise Failed(f"mail: {error}") from error
        for path in self.attach:
            kind, _, below = (mimetypes.guess_type(path)[0] or "application/octet-stream").partition("/")
            message.add_attachment(host.read(_files.host_path(path)), maintype=kind, subtype=below, filename=os.path.basename(path))
        return message

    def _connect(self) -> Any:
        import smtplib

        if self.secure == "always":
            return smtplib.SMTP_SSL(self.host, self.port, self.ehlohost, timeout=self.timeout, context=self._tls())
        return smtplib.SMTP(self.host, self.port, self.ehlohost, timeout=self.timeout)

    def _encrypt(self, server: Any) -> None:
        if self.secure not in ("starttls", "try"):
            return
        if server.has_extn("starttls"):
            server.starttls(context=self._tls())
            server.ehlo()
        elif self.secure == "starttls":
            raise Failed(f"mail: {self.host} offers no TLS, and secure: starttls insists on it")

    def _tls(self) -> Any:
        import ssl

        made = ssl.create_default_context(cafile=self.ca_path)
        if not self.validate_certs:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made


def _said(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
