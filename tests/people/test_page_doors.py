"""Who is let in to the review page, and what nobody gets through it."""

from pathlib import Path

import pytest

from components.people.answers import read_answers
from components.people.doors import LARGEST_BODY, Doors


@pytest.mark.parametrize(
    "path",
    [
        "picture/..%2f..%2fetc%2fpasswd", "picture/%2e%2e/%2e%2e/etc/passwd", "picture/etc/passwd", "picture/",
        "picture/0123456789abcdef0123", "picture/0123456789ABCDEF0123", "static/..%2fdesk.py", "static/../app.py",
        "static/review.html.j2", "static/", "warehouse.duckdb", "people/", "calls/1.jsonl", "static/%00", "..",
    ],
)  # fmt: skip
async def test_no_other_file_can_be_read_and_nothing_is_listed(posts, serve, path: str) -> None:
    from yarl import URL

    home = posts()
    home.post()
    async with serve(home.done()) as page:
        await page.next()
        async with page.session.get(URL(page.address + path, encoded=True), allow_redirects=False) as reply:
            assert reply.status == 404
            assert await reply.json() == {"error": (await reply.json())["error"]}


async def test_pictures_are_those_that_were_ingested_or_none(posts, serve, drawn, tmp_path: Path) -> None:
    """A picture that is gone, changed, or a link to another file is not shown, and neither is what it points to."""
    import shutil

    files = {name: tmp_path / f"{name}.jpg" for name in ("kept", "gone", "changed", "linked", "to_text")}
    for path in files.values():
        shutil.copy(drawn[0], path)
    home = posts()
    made = {name: home.post(picture=path) for name, path in files.items()}
    made["without"] = home.post(with_picture=False)
    settings = home.done()
    files["gone"].unlink()
    shutil.copy(drawn[1], files["changed"])
    files["linked"].unlink()
    files["linked"].symlink_to(drawn[2])
    files["to_text"].unlink()
    files["to_text"].symlink_to("/etc/passwd")
    async with serve(settings) as page:
        await page.next()
        found = {name: await page.get(f"picture/{post.post_id}") for name, post in made.items()}
        assert found["kept"][0] == 200 and found["kept"][1].startswith(b"\xff\xd8")
        assert {name: status for name, (status, _) in found.items() if status != 404} == {"kept": 200}
        assert "gone" in found["gone"][1]["error"] and "no longer" in found["changed"][1]["error"]
        assert b"root:" not in b"".join(body if isinstance(body, bytes) else b"" for _, body in found.values())


async def test_other_pages_and_other_hosts_are_refused(posts, serve) -> None:
    home = posts()
    home.post()
    async with serve(home.done()) as page:
        first = await page.next()
        answer = {
            "answer_id": "answer-0001",
            "post_id": first["post_id"],
            "rater": "ann",
            "scores": {},
            "decision": "approve",
        }
        port = page.address.rpartition(":")[2].strip("/")
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": f"http://127.0.0.1:{int(port) + 1}"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"x-postwright-csrf": ""},
            {"x-postwright-csrf": "guess"},
        ):
            assert (await page.say("answer", answer, headers))[0] == 403, headers
        assert (await page.say("answer", answer, {"content-type": "text/plain"}))[0] == 415
        for host in (
            "evil.example",
            f"evil.example:{port}",
            "127.0.0.1.evil.example",
            "192.168.0.7",
            "",
            "localhost.evil",
        ):
            async with page.session.get(page.address, headers={"host": host}) as reply:
                assert reply.status in (421, 400), host
        for host in ("localhost", f"127.0.0.1:{port}", f"[::1]:{port}"):
            async with page.session.get(page.address, headers={"host": host}) as reply:
                assert reply.status == 200, host
        async with page.session.get(page.address) as reply:
            policy = reply.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert reply.headers["x-content-type-options"] == "nosniff" and "server" not in reply.headers
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
            async with page.session.request(method, page.address + "answer") as reply:
                assert reply.status == 405
        assert (await page.say("answer", answer, {"origin": f"http://127.0.0.1:{port}"}))[0] == 200


async def test_malformed_and_huge_messages_are_refused(posts, serve) -> None:
    home = posts()
    home.post()
    settings = home.done()
    async with serve(settings) as page:
        await page.next()
        for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"', b"[" * 50_000, b'{"a":NaN', b"1e999"):
            status, found = await page.say("answer", body)
            assert status in (400, 422) and "error" in found, body[:20]
        assert (await page.say("answer", b"x" * (LARGEST_BODY + 1)))[0] == 413
        deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
        assert (await page.say("answer", deep))[0] in (400, 422)

        async def endless():  # type: ignore[no-untyped-def]
            for _ in range(40):
                yield b"x" * 65_536

        headers = {"x-postwright-csrf": page.csrf, "content-type": "application/json"}
        try:
            async with page.session.post(page.address + "answer", data=endless(), headers=headers) as reply:
                assert reply.status == 413, "its length was not said before"
        except (ConnectionError, OSError):
            pass  # hung up on, before it was all said
        assert (await page.get("state"))[0] == 200
    assert read_answers(settings.people) == ([], [])


async def test_a_token_is_asked_for_once_and_does_not_stay_in_the_address(posts, serve) -> None:
    import aiohttp

    home = posts()
    home.post()
    async with serve(home.done(), token="a-token-of-some-length") as page:
        for path in ("", "state", "next?rater=ann", "static/review.js", "agreement", "?token=wrong", "?token="):
            assert (await page.get(path))[0] == 401, path
        async with page.session.get(page.address + "?token=a-token-of-some-length", allow_redirects=False) as reply:
            assert reply.status == 303 and reply.headers["location"] == "/"
            cookie = reply.headers["set-cookie"].lower()
            assert "httponly" in cookie and "samesite=strict" in cookie and "a-token" not in cookie
        assert (await page.get("state"))[0] == 200, "the cookie opens"
        async with aiohttp.ClientSession() as stranger:
            async with stranger.get(page.address + "state") as reply:
                assert reply.status == 401
            headers = {"x-postwright-token": "a-token-of-some-length"}
            async with stranger.get(page.address + "state", headers=headers) as reply:
                assert reply.status == 200


async def test_beyond_loopback_names_are_checked_and_addresses_need_none(posts, serve) -> None:
    home = posts()
    home.post()
    async with serve(home.done(), host="0.0.0.0", token="a-token-of-some-length") as page:
        token = {"x-postwright-token": "a-token-of-some-length"}
        for host, status in (
            ("this-machine:80", 200),
            ("192.168.0.7", 200),
            ("[fe80::1]:80", 200),
            ("evil.example", 421),
        ):
            async with page.session.get(page.address + "state", headers={"host": host, **token}) as reply:
                assert reply.status == status, host


def test_beyond_loopback_a_token_is_required() -> None:
    with pytest.raises(ValueError, match="token is required"):
        Doors(None, "0.0.0.0", None)  # type: ignore[arg-type]
