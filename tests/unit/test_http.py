"""The client against a real server that misbehaves: what is tried again, what is not, and what is said at the end."""

import base64
import datetime as dt
import ipaddress
import logging
import ssl
from decimal import Decimal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from tests.fakes.service import running_service
from tradewinds.core.errors import ConfigError, FetchError
from tradewinds.families.kalshi_weather.fetch.signing import signer_from_environment
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint, ReceivedAnswer, ServiceTexts
from tradewinds.sources.failed_requests import retry_after
from tradewinds.sources.http import HttpClient, NotFound


@pytest.fixture
def service():
    with running_service() as running:
        yield running


@pytest.fixture
def client(service, tmp_path):
    return make_client(service, tmp_path)


def make_client(service, tmp_path, **settings):
    naps = []
    known = {"requests_per_second": 1000, "max_connections": 4, "timeout_seconds": 20, "max_retries": 3}
    config = Endpoint(base_url=service.url, **(known | settings))
    budget = Budget(service.url, config.requests_per_second, config.max_connections, folder=tmp_path / "budget")
    made = HttpClient(config, texts=TEXTS, budget=budget, sleep=naps.append, jitter=lambda: 1.0)
    made.naps = naps
    return made


OK = (200, {"Content-Type": "application/json"}, b'{"price": 0.1, "n": 3}')
TROUBLE = {
    "rate limit with a string body": (429, {}, b'{"error":"too many requests"}'),
    "500": (500, {}, b"oops"),
    "502 with HTML": (502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
    "503": (503, {}, b""),
    "HTML with status 200": (200, {"Content-Type": "text/html"}, b"<!doctype html><html></html>"),
    "cut JSON": (200, {}, b'{"price": 0.'),
    "empty": (200, {}, b""),
    "cut body": (200, {"Content-Length": "500"}, b'{"price": 1}'),
    "dropped connection": "DROP",
    "a throttle in the service's own words": (200, {}, b"Slow down, please."),
}
TEXTS = ServiceTexts(throttled=b"Slow down", nothing_there=b"Nothing of that name", nothing_there_status=410)


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_passing_trouble_is_tried_again_and_never_becomes_data(service, client, trouble):
    service.answer("/x", trouble, trouble, OK)
    assert client.get_json("/x") == {"price": Decimal("0.1"), "n": 3}
    assert (client.requests, client.retries, len(service.seen)) == (3, 2, 3)


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_lasting_trouble_ends_as_an_error_that_names_the_request(service, client, trouble):
    service.answer("/x", trouble)
    with pytest.raises(FetchError) as caught:
        client.get_json("/x", {"a": 1})
    assert caught.value.exit_code == 4
    assert f"GET {service.url}/x?a=1" in str(caught.value) and "4 tries" in str(caught.value)
    assert len(service.seen) == 4


def test_waits_grow_and_respect_the_service(service, client):
    service.answer("/x", TROUBLE["503"], TROUBLE["503"], (429, {"Retry-After": "17"}, b""), OK)
    client.get_json("/x")
    assert client.naps == [0.5, 1.0, 17.0]


@pytest.mark.parametrize(
    ("said", "wait", "told"),
    [
        ("17", 17.0, "asks to wait 17 s"),
        ("100000", 60.0, "asks to wait 100000 s, of which 60 s are granted"),
        ("999999999999999", 60.0, "of which 60 s are granted"),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 60.0, "of which 60 s are granted"),
        ("Wed, 21 Oct 1999 07:28:00 GMT", 0.5, None),
        ("-5", 0.5, None),
        ("1e3", 0.5, None),
        ("nan", 0.5, None),
        ("soon", 0.5, None),
        ("\u00b2", 0.5, None),
        ("1 Jan 2099 00:00:00 +9999999999999999999999999", 0.5, None),
    ],
)
def test_a_wait_that_the_service_asks_for_is_capped_and_told(service, tmp_path, caplog, said, wait, told):
    client = make_client(service, tmp_path, max_retries=1)
    service.answer("/x", (429, {"Retry-After": said}, b""))
    with caplog.at_level(logging.WARNING), pytest.raises(FetchError) as caught:
        client.get_json("/x")
    assert client.naps == [wait]
    assert (told or "no body).") in str(caught.value) and ("asks to wait" in str(caught.value)) == bool(told)
    assert (f"waiting {wait:.0f} s" in caplog.text) == bool(told)


def test_the_digits_of_other_scripts_are_no_wait():
    for said in ("\u0661\u0662", "Wed, \u0662\u0661 Oct 2099 07:28:00 GMT"):
        assert retry_after(ReceivedAnswer(429, {"Retry-After": said}, b"")) is None


def own_certificate(folder):
    """A certificate of 127.0.0.1 that no authority signed, with its key, in one file."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, None)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "own.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("encrypted", "said"), [(True, "its TLS certificate cannot be trusted"), (False, "it does not speak TLS")]
)
def test_tls_that_cannot_work_ends_at_once_in_plain_words(service, tmp_path, encrypted, said):
    if encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own_certificate(tmp_path))
        service.http.socket = context.wrap_socket(service.http.socket, server_side=True)
    service.url = service.url.replace("http:", "https:")
    client = make_client(service, tmp_path, timeout_seconds=30)
    with pytest.raises(FetchError) as caught:
        client.get_json("/x")
    assert caught.value.exit_code == 4 and said in str(caught.value) and "base_url" in str(caught.value)
    assert client.requests == 1 and not client.naps and "SSL" not in str(caught.value)


def test_a_slow_answer_is_given_up_and_tried_again(tmp_path):
    import socket

    with socket.socket() as deaf:  # accepts connections into its backlog and never answers
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        config = Endpoint(url, 1000, 1, 0.05, 1)
        client = HttpClient(config, budget=Budget(url, 1000, 1, folder=tmp_path), sleep=lambda s: None)
        with pytest.raises(FetchError, match="no answer in time"):
            client.get_json("/x")
        assert client.requests == 2


@pytest.mark.parametrize(("status", "error"), [(400, FetchError), (401, FetchError), (404, NotFound)])
def test_refusals_are_not_tried_again(service, client, status, error):
    service.answer("/x", (status, {}, b'{"error":{"message":"bad request","details":"invalid status filter"}}'))
    with pytest.raises(error) as caught:
        client.get_json("/x")
    assert len(service.seen) == 1
    if status == 400:
        assert "invalid status filter" in str(caught.value)


def test_what_is_not_there_in_the_services_own_words(service, client):
    service.answer("/gone", (410, {}, b"Nothing of that name since 2001."))
    with pytest.raises(NotFound):
        client.get_json("/gone")
    for path, status, body in (("/other", 410, b"Nothing."), ("/whole", 400, b"Nothing of that name")):
        service.answer(path, (status, {}, body))
        with pytest.raises(FetchError, match=f"status {status}"):
            client.get_json(path)
    assert len(service.seen) == 3


def test_another_services_words_mean_nothing(service, tmp_path):
    budget = Budget(service.url, 1000, 4, folder=tmp_path / "budget")
    client = HttpClient(Endpoint(service.url, 1000, 4, 0.5, 0), budget=budget)
    service.answer("/x", (200, {}, b"Slow down, please."))
    assert client.get_text("/x") == "Slow down, please."
    service.answer("/y", (410, {}, b"Nothing of that name"))
    with pytest.raises(FetchError, match="status 410"):
        client.get_text("/y")


def test_a_signer_sees_each_request_as_it_is_sent(service, tmp_path):
    signed = []

    def signer(method, path):
        signed.append((method, path))
        return {"X-Signature": str(len(signed))}

    budget = Budget(service.url, 1000, 4, folder=tmp_path / "budget")
    endpoint = Endpoint(service.url + "/v2", 1000, 4, 0.5, 1)
    client = HttpClient(endpoint, signer=signer, budget=budget, sleep=lambda seconds: None)
    service.answer("/v2/x", (503, {}, b""), OK)
    client.get_json("/x", {"a": 1})
    assert signed == [("GET", "/v2/x")] * 2, "a retry is signed anew, and a query is no part of what is signed"
    assert [headers["X-Signature"] for _, _, headers in service.seen] == ["1", "2"]


def test_redirects_are_not_followed(service, client):
    service.answer("/x", (302, {"Location": "http://127.0.0.1:1/sorry"}, b""))
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:1/sorry"):
        client.get_json("/x")


def test_every_request_is_logged_and_secrets_are_not(service, client, caplog):
    caplog.set_level(logging.INFO)
    service.answer("/x", TROUBLE["500"], OK)
    client.get_json("/x", {"api_key": "s3cret", "limit": 5})
    lines = [r.getMessage() for r in caplog.records if "GET" in r.getMessage()]
    assert len(lines) == 2
    assert "500" in lines[0] and "try 1" in lines[0] and "200" in lines[1] and "try 2" in lines[1]
    assert "s3cret" not in caplog.text and "limit=5" in lines[0]


def test_an_unbelievable_answer_is_kept_and_named(service, client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FetchError, match=r"data/failed_responses/\w+\.txt") as caught:
        client.refuse("no list of markets", "/markets", {"odd": 1})
    assert "no list of markets" in str(caught.value)
    [copy] = (tmp_path / "data/failed_responses").iterdir()
    assert '"odd": 1' in copy.read_text()


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_signed_requests_verify(kind, service, tmp_path, monkeypatch):
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    monkeypatch.setenv("KALSHI_API_KEY_ID", "id-1")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PATH", str(tmp_path / "key.pem"))
    headers = signer_from_environment()("GET", "/trade-api/v2/markets")
    message = (headers["KALSHI-ACCESS-TIMESTAMP"] + "GET/trade-api/v2/markets").encode()
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    if kind == "rsa":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        key.public_key().verify(signature, message, pss, hashes.SHA256())
    else:
        key.public_key().verify(signature, message)
    assert headers["KALSHI-ACCESS-KEY"] == "id-1"


def test_half_a_credential_is_an_error(monkeypatch):
    assert signer_from_environment() is None
    monkeypatch.setenv("KALSHI_API_KEY_ID", "id-1")
    with pytest.raises(ConfigError, match="KALSHI_PRIVATE_KEY_PATH"):
        signer_from_environment()
