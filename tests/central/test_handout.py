"""A child's page for a tablet: one child, one hour, for reading only, and only what the sharer may see."""

import io
import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from hcrm_central import logs
from hcrm_central.handout import pages
from hcrm_central.handout.story import JUDGED
from hcrm_central.jobs.retention import TOKENS_KEPT, tidy
from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.facts.growth import Refusal
from hcrm_core.handout import Share
from hcrm_core.study import Pace
from hcrm_store.resources import resource
from tests.central.conftest import SignIn
from tests.central.test_permissions import private
from tests.factories import Child, Clinic, Workstation
from tests.fakes import FakeClock

Open = Callable[[Workstation, Child], Share]
NAME = "欧阳娜娜"
HOUR = timedelta(hours=1)


def shared(client: Workstation, child: Child) -> Share:
    answer = client.post("/shares", {"customer_id": str(child.customer_id)})
    assert answer.status_code == 200, answer.text
    return Share.model_validate(answer.json())


def read(client: Workstation, share: Share) -> httpx.Response:
    """As a tablet does: with nothing but the link."""
    return httpx.get(share.url)


def typed(client: Workstation, code: str) -> httpx.Response:
    return client.http.post("/h", data={"code": code})


def named(store: Store, child: Child, name: str = NAME) -> None:
    run(store, "UPDATE customer SET name = :name WHERE id = :id", name=name, id=child.customer_id)


def run(store: Store, statement: str, **values: object) -> None:
    with transaction(store.jobs) as session:
        session.execute(text(statement), values)


@pytest.mark.parametrize("username", ["assistant", "optometrist", "manager"])
def test_a_link_opens_the_page_of_one_child_by_his_first_name(
    client_for: SignIn, clinic: Clinic, store: Store, username: str
) -> None:
    named(store, clinic.mine)
    client = client_for(username)
    answer = read(client, shared(client, clinic.mine))
    assert answer.status_code == 200
    assert "娜娜的故事" in answer.text
    assert "24.31" in answer.text
    assert "Wuhan 2022" in answer.text
    assert NAME not in answer.text
    assert "欧阳" not in answer.text


def test_the_page_holds_nothing_private_and_nobody_else(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    named(store, clinic.mine)
    for username in ("assistant", "optometrist", "manager"):
        client = client_for(username)
        answer = read(client, shared(client, clinic.mine))
        children = (clinic.mine, clinic.colleagues, clinic.far)
        canaries = [canary for child in children for texts in private(child).values() for canary in texts]
        ids = [child.customer_id for child in children] + [
            clinic.mine.exam_id,
            clinic.mine.order_id,
            *clinic.staff.values(),
        ]
        said = answer.text + str(answer.headers) + str(answer.url)
        assert [canary for canary in canaries if canary in said] == []
        assert [one for one in ids if str(one) in said or one.hex in said] == []
        assert clinic.mine.phone[-4:] not in answer.text


def test_a_name_whose_surname_cannot_be_told_apart_is_not_shown(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    assert "小朋友的故事" in read(client, shared(client, clinic.mine)).text


def test_somebody_elses_child_cannot_be_shared(client_for: SignIn, clinic: Clinic) -> None:
    for username, child in (("assistant", clinic.colleagues), ("optometrist", clinic.far)):
        answer = client_for(username).post("/shares", {"customer_id": str(child.customer_id)})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_a_page_is_open_for_an_hour_and_not_an_instant_longer(
    client_for: SignIn, clinic: Clinic, clock: FakeClock, settings: Settings
) -> None:
    client = client_for("optometrist")
    share = shared(client, clinic.mine)
    assert share.expires_at == clock.now() + HOUR
    clock.advance(HOUR - timedelta(seconds=1))
    client.refresh()  # the session goes on
    assert read(client, share).status_code == 200
    clock.advance(timedelta(seconds=1))
    gone = read(client, share)
    assert gone.status_code == 410
    assert "这个页面已经关闭" in gone.text
    assert "24.31" not in gone.text
    assert typed(client, share.code).status_code == 410


def test_the_page_asks_for_itself_again_when_its_hour_is_over(
    client_for: SignIn, clinic: Clinic, clock: FakeClock
) -> None:
    client = client_for("optometrist")
    share = shared(client, clinic.mine)
    clock.advance(timedelta(minutes=10))
    assert 'http-equiv="refresh" content="3001"' in read(client, share).text


def test_the_sharer_ends_a_page_and_nobody_else_can(client_for: SignIn, clinic: Clinic) -> None:
    client, colleague = client_for("optometrist"), client_for("optometrist2")
    share = shared(client, clinic.mine)
    for other in (colleague, client_for("manager")):
        refused = other.http.delete(f"/shares/{share.id}", headers=other.headers)
        assert refused.status_code == 403
    assert read(client, share).status_code == 200
    for _ in range(2):
        assert client.http.delete(f"/shares/{share.id}", headers=client.headers).status_code == 204
    assert read(client, share).status_code == 410
    assert typed(client, share.code).status_code == 410


def test_a_page_ends_with_the_session_it_was_shared_in(client_for: SignIn, clinic: Clinic) -> None:
    client, elsewhere = client_for("optometrist"), client_for("optometrist")
    share, other = shared(client, clinic.mine), shared(elsewhere, clinic.mine)
    client.post("/auth/logout", {})
    assert read(client, share).status_code == 410
    assert read(client, other).status_code == 200


def test_a_page_outlives_the_short_tokens_of_its_session(client_for: SignIn, clinic: Clinic, clock: FakeClock) -> None:
    client = client_for("optometrist")
    share = shared(client, clinic.mine)
    clock.advance(timedelta(minutes=31))
    assert client.get("/held").status_code == 401
    assert read(client, share).status_code == 200


def test_a_page_ends_when_the_account_or_the_workstation_is_blocked(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, manager = client_for("optometrist"), client_for("manager")
    share = shared(client, clinic.mine)
    manager.post(f"/fleet/{client.device_id}/orders", {"order": "block", "reason": "丢失"})
    assert read(client, share).status_code == 410
    client = client_for("optometrist")
    share = shared(client, clinic.mine)
    run(store, "UPDATE account SET active = false WHERE username = 'optometrist'")
    assert read(client, share).status_code == 410


@pytest.mark.parametrize(
    ("username", "change"),
    [
        ("assistant", "UPDATE customer SET assistant_id = NULL WHERE id = :child"),
        ("optometrist", "UPDATE customer SET site_id = :south WHERE id = :child"),
        ("manager", "UPDATE account SET role = 'admin' WHERE username = 'manager'"),
    ],
)
def test_a_page_ends_when_the_sharer_does_not_see_the_child_any_more(
    client_for: SignIn, clinic: Clinic, store: Store, username: str, change: str
) -> None:
    client = client_for(username)
    share = shared(client, clinic.mine)
    assert read(client, share).status_code == 200
    assert httpx.head(share.url).status_code == 200
    values = {"child": clinic.mine.customer_id, "south": clinic.south}
    run(store, change, **{name: value for name, value in values.items() if f":{name}" in change})
    assert read(client, share).status_code == 410
    assert httpx.head(share.url).status_code == 410


def test_a_code_opens_the_page_once(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    share = shared(client, clinic.mine)
    assert len(share.code) == 8
    first = typed(client, f" {share.code[:4]} {share.code[4:]} ")
    assert first.status_code == 303
    assert share.url.rpartition("/")[2] not in first.headers["Location"]
    assert client.http.get(first.headers["Location"]).status_code == 200
    again = typed(client, share.code)
    assert again.status_code == 410
    assert "这个数字打不开" in again.text
    assert read(client, share).status_code == 200


def test_wrong_codes_are_counted_by_address_until_one_is_right(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    share = shared(client, clinic.mine)
    wrong = "00000000" if share.code != "00000000" else "00000001"
    for _ in range(9):
        assert typed(client, wrong).status_code == 410
    assert typed(client, share.code).status_code == 303
    answers = [typed(client, wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers].count(429) >= 1
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "输入的次数太多了" in answers[-1].text


@pytest.mark.parametrize("body", [b"", b"code=", b"code=abc", b"\xff\xfe", b"code=" + b"1" * 5000, b"other=12345678"])
def test_whatever_else_is_typed_opens_nothing(workstation: Workstation, clinic: Clinic, body: bytes) -> None:
    assert workstation.http.post("/h", content=body).status_code == 410


def test_a_code_is_no_link_and_a_link_no_code(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    share = shared(client, clinic.mine)
    assert client.http.get(f"/h/{share.code}").status_code == 410
    assert typed(client, share.url.rpartition("/")[2]).status_code == 410


def test_link_and_code_are_kept_as_hashes_only(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    share = shared(client, clinic.mine)
    with store.owner.connect() as connection:
        rows = connection.execute(text("SELECT s::text || k::text FROM share s JOIN share_key k ON k.share_id = s.id"))
        kept = "".join(rows.scalars())
        audited = (
            connection.execute(text("SELECT a::text FROM audit_entry a WHERE action LIKE 'share:%'")).scalars().all()
        )
    assert len(audited) == 1
    for secret in (share.code, share.url.rpartition("/")[2]):
        assert secret not in kept + audited[0]


def test_every_page_forbids_scripts_of_others_caches_and_referrers(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    share = shared(client, clinic.mine)
    answers = [read(client, share), client.http.get("/h"), client.http.get("/h/nothing"), typed(client, "1")]
    answers += [client.http.get(f"/h/files/handout.{kind}") for kind in ("css", "js")]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "set-cookie" not in answer.headers
    page = answers[0].text
    assert "<script>" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    links = [part.split('"')[0] for part in page.split('href="')[1:] + page.split('src="')[1:]]
    assert [link for link in links if not link.startswith(("#", "/h/files/"))] == []


def test_a_file_beside_the_pages_is_not_served(workstation: Workstation, clinic: Clinic) -> None:
    for name in ("words.toml", "page.html", "..%2Fthemes%2Fapp.qss"):
        assert workstation.http.get(f"/h/files/{name}").status_code in (404, 410)


def test_the_log_names_routes_and_never_a_link_a_code_or_a_child(
    client_for: SignIn, clinic: Clinic, store: Store, monkeypatch: pytest.MonkeyPatch, logging_restored: None
) -> None:
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", written)
        logs.configure(Settings(log_json=True, log_level="DEBUG"))
    named(store, clinic.mine)
    client = client_for("assistant")
    share = shared(client, clinic.mine)
    read(client, share)
    typed(client, share.code)
    client.http.get("/h/nothing")
    client.get("/health")  # a line is written after its answer: those before are there by now
    logged = written.getvalue()
    assert '"route": "/h/{token}"' in logged
    token = share.url.rpartition("/")[2]
    for secret in (token, share.code, NAME, "娜娜", clinic.mine.phone, str(clinic.mine.customer_id)):
        assert secret not in logged


def test_the_address_is_the_one_that_tablets_know(client_for: SignIn, clinic: Clinic, centre: httpx.Client) -> None:
    share = shared(client_for("assistant"), clinic.mine)
    assert share.page == f"{str(centre.base_url).rstrip('/')}/h"
    assert share.url.startswith(f"{share.page}/")


class TestBehindAProxy:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return Settings(data_dir=tmp_path, public_url="https://eyes.clinic.local/")

    def test_the_public_address_of_the_settings_is_told(self, client_for: SignIn, clinic: Clinic) -> None:
        assert shared(client_for("assistant"), clinic.mine).page == "https://eyes.clinic.local/h"


def test_shares_are_forgotten_with_the_tokens_of_their_time(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    shared(client, clinic.mine)
    for wait, left in ((HOUR + TOKENS_KEPT, 1), (timedelta(seconds=1), 0)):
        clock.advance(wait)
        tidy(store.jobs, clock=clock)
        with store.owner.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM share")).scalar_one() == left


def test_no_word_of_the_pages_frightens_or_promises() -> None:
    told = tomllib.loads(resource("handout", "words.toml").read_text(encoding="utf-8"))
    texts = [text for chapter in told.values() for text in chapter.values()]
    frightening = (
        "危险",
        "严重",
        "恶化",
        "失明",
        "警告",
        "异常",
        "必须",
        "立即",
        "一定会",
        "治愈",
        "最好",
        "适合手术",
        "逆转",
    )
    assert [(word, text) for text in texts for word in frightening if word in text] == []


def test_every_word_is_used_and_every_verdict_has_one() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(pages.__file__).parent.glob("*.py"))
    told = tomllib.loads(resource("handout", "words.toml").read_text(encoding="utf-8"))
    by_code = {pace.value for pace in Pace} | {refusal.value for refusal in Refusal}
    names = {name for chapter in told.values() for name in chapter}
    assert sorted(name for name in names - by_code if not re.search(rf"[\"']{name}[\"']", code)) == []
    assert {refusal.value for refusal in Refusal} <= set(told["story"])
    assert {pace.value for pace in (*JUDGED, Pace.STEADY, Pace.SUSPECT)} <= set(told["story"])
