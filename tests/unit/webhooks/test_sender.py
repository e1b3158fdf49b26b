"""The sender goes to the address it checked and nowhere else, and no endpoint can hold it."""

import socket
import ssl
import subprocess
import time
from http.server import BaseHTTPRequestHandler

import pytest

from core.webhooks.domain.endpoint_urls import UrlPolicy
from core.webhooks.gateways.sender import Sender
from tests.receiver import Receiver, receiving

LOCAL = UrlPolicy(schemes=("https", "http"), ports=(), allows_private=True)
STRICT = UrlPolicy(schemes=("https", "http"), ports=(), allows_private=False)
NAME = "hooks.example.test"


class Names:
    """A resolver whose answers the test writes; a name may have another address each time it is looked up."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def send(url, *, policy=LOCAL, names=None, timeout_seconds=2.0, **options):
    sender = Sender(policy=policy, timeout_seconds=timeout_seconds, resolve=names or Names(["127.0.0.1"]), **options)
    return sender.post(url, body=b"{}", headers={"Content-Type": "application/json", "X-Test": "1"})


def test_the_body_and_headers_arrive_at_the_address_under_the_hosts_name():
    with receiving(Receiver()) as receiver:
        answer = send(f"http://{NAME}:{receiver.port}/in?a=b")

    (request,) = receiver.requests
    assert (answer.status, answer.body, answer.error, answer.is_success) == (200, b"thanks", "", True)
    assert (request.path, request.body) == ("/in?a=b", b"{}")
    assert (request.headers["Host"], request.headers["X-Test"]) == (f"{NAME}:{receiver.port}", "1")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["10.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1"],
        ["8.8.8.8", "127.0.0.1"],
        ["2606:4700:4700::1111", "fd00::1"],
    ],
    ids=" ".join,
)
def test_a_name_with_an_address_that_is_not_public_gets_nothing(addresses):
    with receiving(Receiver()) as receiver:
        answer = send(f"http://{NAME}:{receiver.port}/", policy=STRICT, names=Names(addresses))

    assert answer.status is None
    assert "not on the public internet" in answer.error
    assert receiver.requests == []


def test_a_name_is_looked_up_once_so_that_its_second_address_is_never_used():
    with receiving(Receiver()) as receiver:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        send(f"http://{NAME}:{receiver.port}/", names=names)

    assert names.asked == [NAME]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("name", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
def test_spellings_that_the_systems_resolver_knows_are_refused_before_it_is_asked(name):
    names = Names(["127.0.0.1"])

    answer = send(f"http://{name}/", policy=STRICT, names=names)

    assert (answer.status, names.asked) == (None, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(status):
    with receiving(Receiver(statuses=[status])) as receiver:
        answer = send(receiver.url)

    assert (answer.status, answer.is_success, len(receiver.requests)) == (status, False, 1)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    with receiving(Receiver()) as receiver:
        assert send(receiver.url).status == 200


def test_of_a_long_answer_only_the_first_kilobyte_is_read():
    with receiving(Receiver(answer=b"x" * 1_000_000)) as receiver:
        assert send(receiver.url).body == b"x" * 1024


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def trickling(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(60):
        handler.wfile.write(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("answering", [silent, trickling])
def test_an_endpoint_that_never_ends_its_answer_is_cut_off_in_time(answering):
    with receiving(Receiver(answering=answering)) as receiver:
        answer = send(receiver.url, timeout_seconds=0.4)

    assert (answer.status, answer.is_success) == (None, False)
    assert "TimeoutError" in answer.error
    assert answer.duration_ms < 1500


def garbled(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


def test_what_is_no_http_is_a_failure():
    with receiving(Receiver(answering=garbled)) as receiver:
        assert "BadStatusLine" in send(receiver.url).error


def test_a_closed_port_and_a_name_without_address_are_failures():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    assert "ConnectionRefusedError" in send(f"http://{NAME}:{port}/").error
    assert "no address" in send(f"http://{NAME}/", names=Names([])).error


def test_the_next_address_is_tried_when_the_first_takes_no_connection():
    with receiving(Receiver()) as receiver:
        answer = send(f"http://{NAME}:{receiver.port}/", names=Names(["127.0.0.9", "127.0.0.1"]))

    assert answer.status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for NAME, which is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(cert),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def trusting(cert) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(cert))


def test_tls_proves_the_name_and_not_the_address(certificate):
    cert, server_context = certificate

    with receiving(Receiver(), tls_context=server_context) as receiver:
        right = send(f"https://{NAME}:{receiver.port}/", tls_context=lambda: trusting(cert))
        wrong = send(f"https://other.example.test:{receiver.port}/", tls_context=lambda: trusting(cert))
        untrusted = send(f"https://{NAME}:{receiver.port}/")

    assert right.status == 200
    assert "certificate" in wrong.error
    assert "certificate" in untrusted.error
    assert len(receiver.requests) == 1
