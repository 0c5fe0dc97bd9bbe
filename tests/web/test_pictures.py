"""Pictures of people: what is taken, what becomes of it, and everybody's address of one."""

from __future__ import annotations

import io
import secrets
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from myapp.auth import pictures

from ..support import PATIENCE
from .conftest import HTML, Browser, Site, is_problem, open_site

RED, BLUE = (220, 30, 30), (30, 30, 220)


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def progressive(scans: int) -> bytes:
    """A grey JPEG of so many scans, all but the first two of which refine nothing; of four megapixels."""
    side = 2000
    blocks = (side // 8) ** 2
    start = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    # each table has one code, 0: no difference, and the end of band for 2**14 blocks and more
    tables = segment(0xC4, b"\0\1" + b"\0" * 15 + b"\0") + segment(0xC4, b"\x10\1" + b"\0" * 15 + b"\xe0")
    flat = segment(0xDA, b"\1\1\0" + bytes([0, 0, 0])) + b"\0" * -(-blocks // 8)
    band = b"\0" * 8  # four codes with 14 bits each
    first = segment(0xDA, b"\1\1\0" + bytes([1, 63, 0x01])) + band
    refined = segment(0xDA, b"\1\1\0" + bytes([1, 63, 0x10])) + band
    return b"\xff\xd8" + start + tables + flat + first + refined * (scans - 2) + b"\xff\xd9"


def with_parts(parts: bytes) -> bytes:
    """A JPEG that begins with these."""
    return b"\xff\xd8" + parts + file_of(two_halves(), "JPEG")[2:]


def two_halves(width: int = 400, height: int = 300) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    return image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has next to nothing in it."""
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def upload(browser: Browser, data: bytes, name: str = "me.png", csrf: str | None = None) -> TestResponse:
    fields = {"csrf_token": browser.csrf if csrf is None else csrf, "picture": FileStorage(io.BytesIO(data), name)}
    boundary, body = encode_multipart(fields)  # the client itself would keep a large body in a file, and leave it open
    kind = f"multipart/form-data; boundary={boundary}"
    return browser.client.post("/account/picture", data=body, headers=HTML, content_type=kind)


def avatar_of(browser: Browser) -> str:
    address: str = browser.get("/auth/me").get_json()["avatar"]
    return address


def shown(browser: Browser) -> Image.Image:
    answer = browser.get(avatar_of(browser))
    assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.data))
    image.load()
    return image


def is_near(colour: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(colour, tuple)
    return all(abs(one - other) < 40 for one, other in zip(colour, wanted, strict=False))


@pytest.fixture
def alice(site: Site) -> Browser:
    browser = site.browser("alice")
    browser.page("/account")
    return browser


# -- what becomes of a picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_picture_is_shown_as_a_square_webp(kind: str, both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    before = avatar_of(alice)
    answer = upload(alice, file_of(two_halves(), kind))
    assert (answer.status_code, answer.location) == (303, "/account")
    assert avatar_of(alice) != before
    image = shown(alice)
    assert (image.format, image.size) == ("WEBP", (256, 256))
    left, right = image.getpixel((20, 128)), image.getpixel((235, 128))
    assert is_near(left, RED) and is_near(right, BLUE)


@pytest.mark.parametrize("size", [(1, 1), (16, 900), (9999, 3), (256, 256), (1000, 999)])
def test_all_pictures_are_alike_in_size(size: tuple[int, int], alice: Browser) -> None:
    assert upload(alice, file_of(Image.new("RGB", size, RED))).status_code == 303
    assert shown(alice).size == (256, 256)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("L", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("L", "JPEG")],
)
def test_every_kind_of_pixel_is_taken(mode: str, kind: str, alice: Browser) -> None:
    assert upload(alice, file_of(two_halves().convert(mode), kind)).status_code == 303
    assert shown(alice).size == (256, 256)


@pytest.mark.parametrize("size", [64 * 1024, 100_000, 2_000_000, 5 * 2**20])
def test_file_of_every_size_up_to_five_megabytes_is_taken(size: int, alice: Browser) -> None:
    data = file_of(two_halves(), "JPEG")
    answer = upload(alice, data + secrets.token_bytes(size - len(data)), "me.jpg")  # what follows the end means nothing
    assert answer.status_code == 303, answer.text
    assert is_near(shown(alice).getpixel((20, 128)), RED)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("CMYK", "JPEG")])
def test_large_picture_looks_like_a_small_one(mode: str, kind: str, alice: Browser) -> None:
    made = []
    for side in (2500, 300):
        upload(alice, file_of(two_halves(side, side).convert(mode), kind))
        made.append(shown(alice).convert("RGB"))
    for place in ((20, 20), (20, 235), (235, 20), (235, 235)):
        assert is_near(made[0].getpixel(place), made[1].getpixel(place))


def test_sixteen_bits_of_grey_stay_grey(alice: Browser) -> None:
    assert upload(alice, file_of(Image.new("I;16", (300, 300), 128 * 256))).status_code == 303
    assert is_near(shown(alice).getpixel((128, 128)), (128, 128, 128))


def test_transparent_stays_transparent(alice: Browser) -> None:
    assert upload(alice, file_of(Image.new("RGBA", (300, 300), (0, 0, 0, 0)))).status_code == 303
    assert shown(alice).getchannel("A").getextrema() == (0, 0)


def test_middle_of_a_wide_picture_is_shown(alice: Browser) -> None:
    image = Image.new("RGB", (900, 300), RED)
    ImageDraw.Draw(image).rectangle((300, 0, 599, 299), fill=BLUE)
    upload(alice, file_of(image))
    assert is_near(shown(alice).getpixel((4, 128)), BLUE)
    assert is_near(shown(alice).getpixel((251, 128)), BLUE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_of_a_turned_camera_is_upright(orientation: int, alice: Browser) -> None:
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = two_halves(400, 400)
    ImageDraw.Draw(image).rectangle((0, 0, 199, 199), fill=(30, 220, 30))  # the corner at the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = image.transpose(undone[orientation]) if orientation in undone else image
    upload(alice, file_of(turned, "JPEG", exif=exif, quality=95), "me.jpg")
    made = shown(alice)
    assert is_near(made.getpixel((60, 60)), (30, 220, 30))
    assert is_near(made.getpixel((60, 200)), RED)
    assert is_near(made.getpixel((200, 60)), BLUE)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_nothing_but_pixels_is_kept(kind: str, alice: Browser) -> None:
    from PIL import ImageCms

    exif = Image.Exif()
    exif[0x010F] = "a camera of mine"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    upload(alice, file_of(two_halves(), kind, exif=exif, icc_profile=profile, xmp=b"<x:secret/>"))
    data = alice.get(avatar_of(alice)).data
    assert b"camera" not in data and b"EXIF" not in data and b"ICCP" not in data and b"secret" not in data


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_first_frame_of_an_animation_is_shown(kind: str, alice: Browser) -> None:
    frames = [Image.new("RGB", (64, 64), BLUE)] * 3
    data = file_of(Image.new("RGB", (64, 64), RED), kind, save_all=True, append_images=frames)
    assert upload(alice, data).status_code == 303
    made = shown(alice)
    assert getattr(made, "n_frames", 1) == 1
    assert is_near(made.getpixel((128, 128)), RED)


@pytest.mark.filterwarnings("ignore")  # as the application does
def test_picture_whose_metadata_is_broken_is_taken(alice: Browser) -> None:
    assert upload(alice, file_of(two_halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).status_code == 303


@pytest.mark.parametrize(
    "data",
    [
        progressive(64),
        file_of(two_halves(), "JPEG", progressive=True),
        file_of(two_halves(), "JPEG") + b"\xff\xda" * 100,  # the film of a moving photograph
        with_parts(segment(0xED, b"\xff\xda" * 100)),  # a thumbnail
        with_parts(segment(0xE2, b"x" * 60_000) * 70),
        file_of(two_halves(3000, 2000), "JPEG", restart_marker_blocks=1),
    ],
    ids=["64 scans", "progressive", "film", "thumbnail", "metadata", "restarts"],
)
def test_jpeg_of_many_parts_is_taken(data: bytes, alice: Browser) -> None:
    answer = upload(alice, data, "me.jpg")
    assert answer.status_code == 303, answer.text


def test_one_person_s_pictures_take_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work: list[int] = []
    most: dict[int, int] = {}
    both = threading.Barrier(2, timeout=PATIENCE)

    def work(_make: object, user: int) -> None:
        at_work.append(user)
        most[user] = max(most.get(user, 0), at_work.count(user))
        both.wait()  # for somebody else's: one's own second picture would break it
        at_work.remove(user)

    monkeypatch.setattr(pictures._beside, "run", work)
    threads = [
        threading.Thread(target=pictures.make, args=(user, user))  # the file says whose it is
        for user in (1, 1, 1, 2, 2, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == {1: 1, 2: 1}
    assert len(pictures._turns) == 0


def test_another_picture_takes_the_place_of_the_first(both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    upload(alice, file_of(Image.new("RGB", (9, 9), RED)))
    first = avatar_of(alice)
    upload(alice, file_of(Image.new("RGB", (9, 9), BLUE)))
    assert avatar_of(alice) != first
    assert is_near(shown(alice).getpixel((1, 1)), BLUE)
    assert len(both_sites.rows("pictures")) == 1


def test_removed_picture_gives_way_to_initials(both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    before = avatar_of(alice)
    upload(alice, file_of(two_halves()))
    assert alice.submit("/account/picture/remove").status_code == 303
    assert avatar_of(alice) == before
    assert alice.get(before).mimetype == "image/svg+xml"
    assert both_sites.rows("pictures") == []


def test_others_see_the_picture_with_the_next_message(both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    (bob,) = both_sites.programs("bob")
    upload(alice, file_of(two_halves()))
    alice.post("/messages", {"to": "bob", "body": "hi"})
    address = avatar_of(alice)
    assert bob.events()[0]["data"]["avatar"] == address
    assert bob.get("/messages/conversations").get_json()["conversations"][0]["avatar"] == address
    assert bob.get("/users/alice").get_json()["avatar"] == address
    assert bob.get("/users?q=al").get_json()["users"][0]["avatar"] == address
    assert bob.get(address).mimetype == "image/webp"


def test_two_pictures_at_once_leave_one_that_fits_its_version(site: Site) -> None:
    alice = site.browser("alice")
    others = [Browser(site.app, "alice").sign_in() for _ in range(4)]
    files = [file_of(Image.new("RGB", (50, 50), (shade, 0, 0))) for shade in (10, 80, 150, 220)]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda browser=browser, data=data: answers.append(upload(browser, data).status_code))
        for browser, data in zip(others, files, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 4
    answer = alice.get(avatar_of(alice))
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["ETag"] == f'"{avatar_of(alice).partition("=")[2]}"'


# -- what is refused

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
REFUSED = {
    "empty": (b"", "is an empty file"),
    "text": (b"hello, I am a picture", "is no PNG, JPEG or WebP"),
    "svg": (SVG, "is no PNG, JPEG or WebP"),
    "html": (b"<!doctype html><script>alert(1)</script>", "is no PNG, JPEG or WebP"),
    "gif": (file_of(Image.new("P", (9, 9)), "GIF"), "is no PNG, JPEG or WebP"),
    "bmp": (file_of(two_halves(), "BMP"), "is no PNG, JPEG or WebP"),
    "tiff": (file_of(two_halves(), "TIFF"), "is no PNG, JPEG or WebP"),
    "signature only": (b"\x89PNG\r\n\x1a\n", "is no PNG, JPEG or WebP"),
    "too wide": (png_header(10_001, 1), "has too many pixels"),
    "too high": (png_header(1, 10_001), "has too many pixels"),
    "too many pixels": (png_header(8000, 8000), "has too many pixels"),
    "bomb": (png_header(60_000, 60_000), "has too many pixels"),
    "largest bomb": (png_header(2**31 - 1, 2**31 - 1), "has too many pixels"),
    "cut off png": (file_of(two_halves())[:300], "is damaged or cut off"),
    "cut off jpeg": (file_of(two_halves(), "JPEG")[:-900], "is damaged or cut off"),
    "cut off webp": (file_of(two_halves(), "WEBP")[:-100], "is "),
    "pixels that are not there": (png_header(3000, 3000), "is damaged or cut off"),
    "jpeg of 65 scans": (progressive(65), "is a JPEG of too many parts"),
    "jpeg of 65 scans with filling": (
        progressive(65).replace(b"\xff\xda", b"\xff\xff\xda"),
        "is a JPEG of too many parts",
    ),
    "jpeg of 2000 comments": (with_parts(b"\xff\xfe\0\2" * 2000), "is a JPEG of too many parts"),
    "jpeg of much filling": (with_parts(b"\xff" * 2000), "is a JPEG of too many parts"),
    "5 MB and a byte": (file_of(two_halves()) + b"\0" * (5 * 2**20), "is larger than 5 MB"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_is_refused_at_its_field(data: bytes, reason: str, alice: Browser, site: Site) -> None:
    before = site.stored()
    answer = upload(alice, data)
    assert answer.status_code == 422
    assert 'id="picture-error"' in answer.text
    assert reason in answer.text
    assert site.stored() == before


def test_six_megabytes_are_refused_at_the_field(alice: Browser, site: Site) -> None:
    before = site.stored()
    answer = upload(alice, b"\xff" * (6 * 2**20))
    assert answer.status_code == 413
    assert "is larger than 5 MB" in answer.text
    assert 'id="picture-error"' in answer.text
    assert site.stored() == before


def test_other_forms_take_no_more_than_before(alice: Browser) -> None:
    answer = alice.client.post("/account/profile", data={"csrf_token": alice.csrf, "display_name": "x" * 70_000})
    is_problem(answer, 413)


def test_form_without_a_file_is_told_to_choose_one(alice: Browser) -> None:
    for answer in (alice.submit("/account/picture"), upload(alice, b"", name="")):
        assert answer.status_code == 422
        assert "Choose a file first." in answer.text


def test_file_is_a_file_and_not_a_text(alice: Browser) -> None:
    assert alice.submit("/account/picture", picture="me.png").status_code == 422


@pytest.mark.parametrize("path", ["/account/picture", "/account/picture/remove"])
def test_form_without_its_csrf_token_changes_nothing(path: str, alice: Browser, site: Site) -> None:
    upload(alice, file_of(two_halves()))
    before = site.stored()
    for token in ("", "wrong"):
        fields = {"csrf_token": token, "picture": (io.BytesIO(file_of(Image.new("RGB", (9, 9)))), "me.png")}
        is_problem(alice.client.post(path, data=fields), 403)
    assert site.stored() == before


def test_nobody_uploads_nothing(site: Site) -> None:
    fields = {"picture": (io.BytesIO(file_of(two_halves())), "me.png")}
    is_problem(site.guest().client.post("/account/picture", data=fields), 401)
    is_problem(site.guest().client.post("/account/picture/remove"), 401)


def test_program_does_not_change_the_account(site: Site) -> None:
    (alice,) = site.programs("alice")
    for path in ("/account/picture", "/account/picture/remove", "/account/profile", "/account/password"):
        is_problem(alice.open(path, "POST", data={}), 403)


def test_memory_is_asked_for_two_pictures_at_once_at_most() -> None:
    assert pictures._beside._most == 2


@pytest.fixture
def limited(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, RATE_LIMITS="on")


def test_pictures_are_limited_for_each_person(limited: Site) -> None:
    alice, bob = limited.browser("alice"), limited.browser("bob")
    for _ in range(20):
        assert upload(alice, b"no picture").status_code == 422
    answer = upload(alice, b"no picture")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert upload(bob, b"no picture").status_code == 422


# -- the address


def test_everybody_has_initials(both_sites: Site) -> None:
    alice, _bob = both_sites.programs("alice", "bob")
    answer = alice.get("/avatars/bob")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert ">B</text>" in answer.text
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["nobody", "no%00body", "%F0%9F%98%80", "a" * 500])
def test_picture_of_nobody_is_not_found(name: str, site: Site) -> None:
    (alice,) = site.programs("alice")
    is_problem(alice.get(f"/avatars/{name}"), 404)


def test_pictures_are_shown_to_who_is_signed_in(site: Site) -> None:
    alice = site.browser("alice")
    is_problem(site.guest().get("/avatars/alice"), 401)
    ticket = alice.post("/auth/ticket").get_json()["ticket"]
    assert site.guest().get("/avatars/alice", headers={"Authorization": f"Bearer {ticket}"}).status_code == 200


def test_markup_in_a_display_name_is_text_in_the_picture(alice: Browser) -> None:
    assert alice.submit("/account/profile", display_name="< <script>alert(1)</script> & co").status_code == 303
    text = alice.get(avatar_of(alice)).text
    assert "<script" not in text
    assert ">&lt;S</text>" in text


@pytest.mark.parametrize("with_picture", [True, False])
def test_address_with_the_current_version_is_kept_for_ever(with_picture: bool, alice: Browser) -> None:
    if with_picture:
        upload(alice, file_of(two_halves()))
    answer = alice.get(avatar_of(alice))
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef", "?v=%00", "?v=a&v=b"])
def test_address_of_another_time_gives_the_current_picture_and_is_asked_again(query: str, alice: Browser) -> None:
    upload(alice, file_of(two_halves()))
    answer = alice.get(f"/avatars/alice{query}")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("with_picture", [True, False])
def test_picture_that_is_known_is_not_sent_again(with_picture: bool, alice: Browser) -> None:
    if with_picture:
        upload(alice, file_of(two_halves()))
    first = alice.get("/avatars/alice")
    again = alice.get("/avatars/alice", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert alice.get("/avatars/alice", headers={"If-None-Match": '"other"'}).status_code == 200


def test_new_display_name_is_a_new_address(alice: Browser) -> None:
    before = avatar_of(alice)
    alice.submit("/account/profile", display_name="Somebody Else")
    assert avatar_of(alice) != before
    assert ">SE</text>" in alice.get(before).text
