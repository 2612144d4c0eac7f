"""A server visits public addresses and nothing else: a canary on this machine hears nobody."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.errors import InputRejected
from lyra_zoom.storage.fetch import fetch_remote
from lyra_zoom.storage.outbound import post_outbound
from lyra_zoom.storage.pinned import OutboundPolicy, refuse_address
from lyra_zoom.storage.public_address import is_local, is_public
from tests.internet import Canary, SmallInternet, answering, closed_port, serving

PUBLIC = "93.184.216.34"
PUBLIC_TOO = "2606:2800:220:1:248:1893:25c8:1946"
PHOTO = b"the bytes of a photograph"


@pytest.fixture
def internet() -> SmallInternet:
    return SmallInternet()


@pytest.fixture
def policy(internet: SmallInternet) -> OutboundPolicy:
    return OutboundPolicy(network=internet.network)


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    heard = canary.heard
    canary.close()
    assert heard == 0


@pytest.fixture
def photographs(internet: SmallInternet) -> Iterator[None]:
    """`photos.example` answers with a photograph at its public address."""
    with serving(answering(PHOTO)) as port:
        internet.names["photos.example"] = [PUBLIC]
        internet.routes[PUBLIC] = port
        yield


def refusal(where: str, policy: OutboundPolicy) -> InputRejected:
    with pytest.raises(InputRejected) as refused:
        fetch_remote(where, policy=policy, deadline_s=5)
    assert refused.value.field_name == "image_url"
    assert refused.value.kind == "file_download_error"
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300
    return refused.value


METADATA = [
    "http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/",
    "http://100.100.100.200/", "http://[fd00:ec2::254]/", "http://168.63.129.16/",
    "http://169.254.170.2/v2/credentials", "http://192.0.0.192/",
]  # fmt: skip
THIS_MACHINE = [
    "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://127.255.255.254:{port}/",
    "http://0.0.0.0:{port}/", "http://localhost:{port}/", "http://localhost.:{port}/",
    "http://LOCALHOST:{port}/", "http://foo.localhost:{port}/", "http://[::1]:{port}/",
    "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::80ff:fffe]:{port}/", "http://[::ffff:0:127.0.0.1]:{port}/",
]  # fmt: skip
OTHER_NOTATIONS = [
    "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0177.0.0.1:{port}/",
    "http://127.1:{port}/", "http://127.0.1:{port}/", "http://0:{port}/", "http://0x7f.1:{port}/",
    "http://00000177.0.0.1:{port}/", "http://127.0.0.01:{port}/", "http://127.0.0.0x1:{port}/",
    "http://127.0.0.1.:{port}/", "http://4294967297:{port}/", "http://1.1.1.1.1:{port}/",
    "http://0x:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
]  # fmt: skip
SPECIAL_NETWORKS = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
    "0.1.2.3", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "[fc00::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
    "[100::1]", "[3fff::1]", "[5f00::1]", "[2001:2::1]", "[64:ff9b::a00:1]",
]  # fmt: skip
TWO_READINGS = [
    "http://good.example\\@127.0.0.1:{port}/", "http://127.0.0.1:{port}#@good.example/",
    "http://127.0.0.1:{port}?@good.example/", "http://good.example@127.0.0.1:{port}/",
    "http://good.example:80@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\.good.example/",
    "http:/\\127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}/", "http:127.0.0.1:{port}/",
    "http://127.0.0.1:{port}:80/", "http://good.example 127.0.0.1:{port}/", "http:////127.0.0.1/",
    "http://good.example\t@127.0.0.1:{port}/", "http://[::1]good.example:{port}/",
]  # fmt: skip
ODD_SIGNS = [
    "http://①②⑦.⓪.⓪.①:{port}/", "http://\uff11\uff12\uff17.0.0.1:{port}/", "http://127。0。0。1:{port}/",
    "http://127\uff0e0\uff0e0\uff0e1:{port}/", "http://127%2e0.0.1:{port}/", "http://%31%32%37.0.0.1:{port}/",
    "http://loc%61lhost:{port}/", "http://ⓛocalhost:{port}/", "http://local\u00adhost:{port}/",
    "http://127.0.0.1:{port}/\t", "http://127.0.0.1:{port}/\n", "http://127.0.0.1:{port}/\0",
    " http://127.0.0.1:{port}/", "http://127.0.0.1\u200b:{port}/", "http://\u202e127.0.0.1/",
    "http://127.0.0.1:{port}/\ud800", "http://[fe80::1%25eth0]:{port}/", "http://[fe80::1%eth0]/",
    "http://[::1%25lo]:{port}/", "http://photos.example/\r\nHost: 127.0.0.1", "http://xn--/",
    "http://a..b/", "http://.a/", "http://-a.example/", "http://a*b/", "http://a'b/",
    "http://" + "a" * 64 + ".example/", "http://" + "a." * 127 + "example/",
]  # fmt: skip
OTHER_SCHEMES = [
    "file:///etc/passwd", "ftp://photos.example/a.png", "gopher://127.0.0.1:{port}/_x",
    "dict://127.0.0.1:{port}/", "jar:http://127.0.0.1:{port}/!/", "unix:/run/x.sock",
    "blob:http://127.0.0.1:{port}/1", "javascript:alert(1)", "ws://127.0.0.1:{port}/",
    "http+unix://%2Frun%2Fx.sock/", "//127.0.0.1:{port}/", "/etc/passwd", "photo.png", "", " ",
    "http://", "https:///a.png", "http:a.png", "view-source:http://127.0.0.1/", "http://[::1",
    "http://photos.example:99999/", "http://photos.example:0/", "http://photos.example:x/",
]  # fmt: skip


@pytest.mark.parametrize("where", METADATA)
def test_metadata_services_are_never_asked(where, policy, internet, canary):
    refusal(where, policy)
    assert internet.dialled == []


@pytest.mark.parametrize("where", THIS_MACHINE)
def test_this_machine_is_not_visited(where, policy, internet, canary):
    refusal(where.format(port=canary.port), policy)
    refusal(where.format(port=canary.port), OutboundPolicy())
    assert internet.dialled == []


@pytest.mark.parametrize("where", OTHER_NOTATIONS)
def test_an_ip_address_in_another_notation_is_no_host(where, policy, internet, canary):
    refusal(where.format(port=canary.port), policy)
    refusal(where.format(port=canary.port), OutboundPolicy())
    assert internet.dialled == []


@pytest.mark.parametrize("host", SPECIAL_NETWORKS)
def test_networks_for_special_purposes_are_not_visited(host, policy, internet):
    refusal(f"http://{host}/a.png", policy)
    internet.names["photos.example"] = [host.strip("[]")]
    refusal("http://photos.example/a.png", policy)
    assert internet.dialled == []


@pytest.mark.parametrize("where", TWO_READINGS)
def test_what_two_parsers_would_read_differently_is_refused(where, policy, internet, canary):
    internet.names["good.example"] = [PUBLIC]
    refusal(where.format(port=canary.port), policy)
    assert internet.dialled == []


@pytest.mark.parametrize("where", ODD_SIGNS)
def test_odd_signs_in_an_address_hide_nothing(where, policy, internet, canary):
    internet.names["photos.example"] = [PUBLIC]
    refusal(where.format(port=canary.port), policy)
    refusal(where.format(port=canary.port), OutboundPolicy())
    assert internet.dialled == []


@pytest.mark.parametrize("where", OTHER_SCHEMES)
def test_other_schemes_are_refused_with_the_allowed_ones(where, policy, internet, canary):
    refused = refusal(where.format(port=canary.port), policy)
    assert "allowed are http and https addresses" in refused.message
    assert internet.dialled == []


@pytest.mark.parametrize(
    "where",
    METADATA + THIS_MACHINE + OTHER_NOTATIONS + TWO_READINGS + OTHER_SCHEMES
    + [f"http://{host}/" for host in SPECIAL_NETWORKS],
)  # fmt: skip
def test_what_an_address_shows_by_itself_is_refused_at_once(where, canary):
    with pytest.raises(InputRejected) as refused:
        refuse_address(where.format(port=canary.port), OutboundPolicy(field_name="webhook"))
    assert refused.value.field_name == "webhook"


def test_what_only_the_network_can_tell_is_not_refused_at_once():
    refuse_address("https://photos.example/a.png", OutboundPolicy())
    refuse_address("http://[2606:4700::1111]:8443/", OutboundPolicy())


@pytest.mark.parametrize("port", [1, 22, 25, 110, 445, 1023, 3306, 5432, 6379, 11211, 27017])
def test_ports_that_are_not_for_the_web_are_refused(port, policy, internet, photographs):
    assert "port" in refusal(f"http://photos.example:{port}/", policy).message
    assert internet.dialled == []


@pytest.mark.parametrize("port", [80, 443, 1024, 8000, 8080, 8443, 65535])
def test_ports_of_web_servers_are_open(port, policy, photographs):
    assert fetch_remote(f"http://photos.example:{port}/", policy=policy) == PHOTO


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"],
     [PUBLIC] * 9 + ["10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%1"], ["169.254.169.254"]],
)  # fmt: skip
def test_every_address_of_a_name_must_be_public(answers, policy, internet, canary, photographs):
    internet.names["mixed.example"] = answers
    refused = refusal(f"http://mixed.example:{canary.port}/", policy)
    assert not any(answer in str(refused) for answer in answers)
    assert internet.dialled == []


def test_a_name_that_changes_its_answer_gains_nothing(policy, internet, canary, photographs):
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    internet.names["rebinding.example"] = lambda: next(answers)
    where = f"http://rebinding.example:{canary.port}/"
    assert fetch_remote(where, policy=policy) == PHOTO
    assert internet.dialled == [PUBLIC]
    refusal(where, policy)
    assert internet.dialled == [PUBLIC]


def test_the_next_address_is_tried_when_one_does_not_answer(
    policy, internet, photographs, canary
):
    internet.names["photos.example"] = [PUBLIC_TOO, PUBLIC]
    internet.routes[PUBLIC_TOO] = closed_port()
    assert fetch_remote("http://photos.example/", policy=policy) == PHOTO
    assert internet.dialled == [PUBLIC_TOO, PUBLIC]


def test_a_name_in_another_script_is_looked_up_in_its_ascii_form(policy, internet, photographs):
    internet.names["xn--bcher-kva.example"] = [PUBLIC]
    assert fetch_remote("http://Bücher.example/ä.png?ö=ü", policy=policy) == PHOTO


@pytest.mark.parametrize("status", ["301 a", "302 b", "303 c", "307 d", "308 e"])
@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://169.254.169.254/",
     "http://localhost:{port}/", "http://inside.example:{port}/", "file:///etc/passwd",
     "gopher://127.0.0.1:{port}/", "http://photos.example@127.0.0.1:{port}/",
     "http://photos.example:22/", "\\\\127.0.0.1:{port}/", "http://[::1]:{port}/"],
)  # fmt: skip
def test_a_redirect_cannot_lead_inside(status, target, policy, internet, canary):
    internet.names |= {"moved.example": [PUBLIC], "inside.example": ["127.0.0.1"]}
    location = target.format(port=canary.port)
    with serving(answering(status=status, location=location)) as port:
        internet.routes[PUBLIC] = port
        refusal("http://moved.example/", policy)
    assert internet.dialled == [PUBLIC]


def test_a_redirect_to_another_public_address_is_followed(policy, internet, photographs):
    internet.names["moved.example"] = [PUBLIC_TOO]
    with serving(answering(status="302 Found", location="http://photos.example/a")) as port:
        internet.routes[PUBLIC_TOO] = port
        assert fetch_remote("http://moved.example/", policy=policy) == PHOTO
    assert internet.dialled == [PUBLIC_TOO, PUBLIC]


def test_at_most_five_redirects_are_followed(policy, internet):
    internet.names["round.example"] = [PUBLIC]
    with serving(answering(status="302 Found", location="/again")) as port:
        internet.routes[PUBLIC] = port
        assert "5 redirects" in refusal("http://round.example/", policy).message
    assert len(internet.dialled) == 6


@pytest.mark.parametrize("where", ["https://u:hunter2@{host}/x.png", "http://hunter2@{host}/"])
def test_credentials_are_refused_without_being_repeated(
    where, policy, internet, photographs, caplog
):
    caplog.set_level("DEBUG")
    refused = refusal(where.format(host="photos.example"), policy)
    assert "hunter2" not in str(refused)
    assert "hunter2" not in caplog.text
    assert internet.dialled == []


def test_a_secret_in_an_address_is_not_logged(policy, photographs, caplog):
    caplog.set_level("INFO")
    fetch_remote("http://photos.example/a.png?signature=hunter2", policy=policy)
    assert "hunter2" not in caplog.text


def test_an_address_of_100_kilobytes_is_refused(policy, internet):
    refused = refusal("http://photos.example/" + "a" * 100_000, policy)
    assert "longer than 8192 characters" in refused.message


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}/", "http://localhost:{port}/"])
def test_private_addresses_can_be_allowed(where):
    with serving(answering(PHOTO)) as port:
        policy = OutboundPolicy(allow_private=True)
        assert fetch_remote(where.format(port=port), policy=policy) == PHOTO


@pytest.mark.parametrize("where", [*METADATA, "http://[fe80::1]/", "http://224.0.0.1/"])
def test_metadata_services_stay_closed_when_private_addresses_are_allowed(where, internet):
    internet.names["metadata.google.internal"] = ["169.254.169.254"]
    refusal(where, OutboundPolicy(allow_private=True, network=internet.network))
    assert internet.dialled == []


@pytest.mark.parametrize(
    "where",
    ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://169.254.169.254/",
     "file:///etc/passwd", "http://inside.example:{port}/", "http://[::1]:{port}/",
     "data:image/png;base64,AAAA", "http://u:p@photos.example/", "http://photos.example:22/"],
)  # fmt: skip
def test_a_webhook_cannot_lead_inside(where, internet, canary):
    internet.names["inside.example"] = ["127.0.0.1"]
    policy = OutboundPolicy(field_name="webhook", network=internet.network)
    with pytest.raises(InputRejected) as refused:
        post_outbound(where.format(port=canary.port), b"{}", {}, policy)
    assert refused.value.field_name == "webhook"
    assert internet.dialled == []


def test_a_webhook_does_not_follow_a_redirect_inside(internet, canary):
    internet.names["moved.example"] = [PUBLIC]
    location = f"http://127.0.0.1:{canary.port}/"
    with serving(answering(status="307 Temporary Redirect", location=location)) as port:
        internet.routes[PUBLIC] = port
        policy = OutboundPolicy(field_name="webhook", network=internet.network)
        assert post_outbound("http://moved.example/", b"{}", {}, policy) == 307


def test_a_rebinding_name_of_a_webhook_gains_nothing(internet, canary, photographs):
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    internet.names["rebinding.example"] = lambda: next(answers)
    policy = OutboundPolicy(field_name="webhook", network=internet.network)
    where = f"http://rebinding.example:{canary.port}/"
    assert post_outbound(where, b"{}", {}, policy) == 200
    with pytest.raises(InputRejected):
        post_outbound(where, b"{}", {}, policy)
    assert internet.dialled == [PUBLIC]


@given(st.ip_addresses(v=4))
def test_ipv4_inside_ipv6_is_judged_as_ipv4(ip):
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(ip_address(f"{prefix}{ip}")) == is_public(ip)
        assert is_local(ip_address(f"{prefix}{ip}")) == is_local(ip)


@given(st.ip_addresses())
def test_no_address_is_both_public_and_local(ip):
    assert not (is_public(ip) and is_local(ip))


@given(st.ip_addresses(v=4) | st.ip_addresses(network="2000::/3"))
def test_what_python_calls_private_is_never_public(ip):
    assert not (is_public(ip) and (ip.is_private or ip.is_multicast or ip.is_reserved))
