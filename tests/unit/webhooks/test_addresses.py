"""Where a webhook may go: every known way to name a machine of ours is refused."""

import pytest

from core.webhooks.domain.addresses import is_public
from core.webhooks.domain.endpoint_urls import Target, UrlPolicy, UrlRefused, parse_url

POLICY = UrlPolicy()

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]
NOT_PUBLIC = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "0.0.0.0", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
    "localhost", "", "2130706433", "0x7f000001", "127.1", "0177.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_address_is_not(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com/in", Target("https", "hooks.example.com", 443, "/in")),
        ("https://HOOKS.example.com:8443?a=b", Target("https", "hooks.example.com", 8443, "/?a=b")),
        ("https://8.8.8.8/x", Target("https", "8.8.8.8", 443, "/x")),
        ("https://[2606:4700:4700::1111]/", Target("https", "2606:4700:4700::1111", 443, "/")),
        ("https://xn--bcher-kva.example./", Target("https", "xn--bcher-kva.example.", 443, "/")),
        ("https://3com.com/", Target("https", "3com.com", 443, "/")),
    ],
)
def test_a_url_leads_where_it_says(url, target):
    assert parse_url(url, POLICY) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "javascript:alert(1)",
        "//hooks.example.com/",
        "hooks.example.com",
        "",
        "https://",
        "https:///path",
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://@hooks.example.com/",
        "https://hooks.example.com/#fragment",
        "https://hooks.example.com/#",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:6379/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: x",
        "https://hooks.example.com/\x00",
        "https://hooks.exämple.com/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0x7f.0x0.0x0.0x1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://1.2.3.4.5/",
        "https://hooks.example.0x7f/",
        "https://-hooks.example.com/",
        "https://hooks..example.com/",
        "https://%31%32%37.0.0.1/",
        "https://hooks.example.com/" + "x" * 2000,
    ],
)
def test_a_url_that_leads_elsewhere_or_can_be_read_in_two_ways_is_refused(url):
    with pytest.raises(UrlRefused):
        parse_url(url, POLICY)


def test_a_stack_on_one_machine_may_allow_what_is_on_it():
    policy = UrlPolicy(schemes=("https", "http"), ports=(), allows_private=True)

    assert parse_url("http://127.0.0.1:18000/in", policy) == Target("http", "127.0.0.1", 18000, "/in")
    with pytest.raises(UrlRefused):
        parse_url("http://2130706433/", policy)
