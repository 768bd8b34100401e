"""Why a request failed, in words; and how long a service asks to wait."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime

import requests

from tradewinds.core.safe_text import printable
from tradewinds.sources.endpoint import ReceivedAnswer


def excerpt(answer: ReceivedAnswer) -> str:
    """The start of an answer, for a message."""
    text = printable(" ".join(answer.body[:300].decode("utf-8", errors="replace").split()), lines=False)
    return f"({text[:160]})" if text else "(no body)"


def reason(error: requests.RequestException) -> str:
    """Why there was no answer, in words."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy that the environment names refused or failed"
    if isinstance(error, requests.exceptions.SSLError):
        return "the encrypted connection (TLS) failed"
    if "NameResolutionError" in repr(error):
        return "the host name cannot be resolved"
    return "the connection failed or broke off"


def tls_refusal(error: requests.RequestException) -> tuple[str, str] | None:
    """What is wrong with a service's TLS that will not pass, and what to do; None for any other error."""
    said = repr(error)
    if not isinstance(error, requests.exceptions.SSLError):
        return None
    if "CERTIFICATE_VERIFY_FAILED" in said or "CertificateError" in said or "doesn't match" in said:
        found = re.search(r"certificate verify failed: ([^()\[\]]+?) *[(\[]", said)
        why = f" ({found[1]})" if found else ""
        remedy = "Check base_url and this machine's clock; REQUESTS_CA_BUNDLE names a file with further authorities to trust."
        return f"its TLS certificate cannot be trusted{why}.", remedy
    if any(
        word in said for word in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "record layer failure")
    ):
        return "it does not speak TLS.", "Write http:// in base_url, or check its port."
    return None


def in_words(error: requests.RequestException) -> str:
    """The name of an error as words: InvalidProxyURL is `invalid proxy URL`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", type(error).__name__)
    return " ".join(word if word.isupper() else word.lower() for word in words)


def retry_after(answer: ReceivedAnswer) -> float | None:
    """The seconds that the service asks the client to wait, if it does: a number, or the time until a date."""
    text = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,15}", text):
        return float(text)
    if not text.isascii():  # the parser would take the digits of other scripts
        return None
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for a zone out of all range
        return None
    now = dt.datetime.now(dt.UTC)
    return max(0.0, (until.replace(tzinfo=until.tzinfo or dt.UTC) - now).total_seconds())


def time_of(unix_seconds: float) -> str:
    """An instant for a message, in UTC to the second."""
    return f"{dt.datetime.fromtimestamp(int(unix_seconds), dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
