"""People's pictures: what is taken, how it is kept, and finding it.

A picture comes from anybody and is judged by its content: by its header before it is decoded, and decoded beside the
event loop. What is kept is always made here: a square WebP without metadata.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import threading
import warnings
from typing import IO, Any
from weakref import WeakValueDictionary

import sqlalchemy as sa
from PIL import Image, UnidentifiedImageError

from ..beside import Beside
from ..db import Connection, Transaction
from ..errors import Invalid, Text
from ..statements import Statement, given, statement
from ..texts import is_text
from . import people
from .models import pictures, users
from .people import COLUMNS, Person

FORMATS = ("PNG", "JPEG", "WEBP")
#: The largest file, in bytes; the most pixels, in all and a side.
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 25_000_000
LONGEST_SIDE = 10_000
#: Of a JPEG: each scan is a walk over all pixels, however little is in it (an ordinary progressive file has 10), and
#: each segment, and each byte that fills up before one, is a turn of Pillow's that keeps the event loop waiting.
MOST_SCANS = 64
MOST_SEGMENTS = 1000
MOST_FILLING = 1000
#: What is kept: pixels a side, and WebP's quality.
SIDE = 256
QUALITY = 82

#: Pillow's own limit is a warning, then an error at twice as many: here both are errors.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
# what it says of odd metadata is nobody's concern here, and anybody could fill the log with it
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.simplefilter("error", Image.DecompressionBombWarning)

#: Two at once: a picture takes up to 4 to 16 bytes a pixel, by its kind, while it is worked on: 100 to 400 MB.
_beside = Beside(2)
#: By user: whose turn it is among one's own pictures, so that nobody takes both places.
_turns: WeakValueDictionary[int, threading.BoundedSemaphore] = WeakValueDictionary()

#: A marker (ITU-T T.81, B.1.1.2) that neither is data of a scan, where FF is followed by 00, nor restarts one.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_FIRST_WITH_A_LENGTH, _END_OF_IMAGE, _START_OF_SCAN = 0xC0, 0xD9, 0xDA

#: EXIF's orientation (CIPA DC-008, 4.6.5), and what to do to see the picture upright.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_PREMULTIPLIED = {"RGBA": "RGBa", "LA": "La"}

_WITH_PICTURE = statement(
    sa.select(*COLUMNS, pictures.c.data)
    .outerjoin(pictures, pictures.c.user_id == users.c.id)
    .where(users.c.name == sa.bindparam("name"))
)


def _upsert(insert: Any) -> Any:
    new = insert(pictures).values(given(pictures, "user_id", "data"))
    return new.on_conflict_do_update(index_elements=["user_id"], set_={"data": new.excluded.data})


_STORE = Statement(_upsert)
_REMOVE = statement(sa.delete(pictures).where(pictures.c.user_id == sa.bindparam("user")))
_SET_VERSION = statement(
    sa.update(users).where(users.c.id == sa.bindparam("user")).values(picture=sa.bindparam("version"))
)


def make(user: int, file: IO[bytes]) -> bytes:
    """The picture in `file` as it is kept; one of a user's at a time. Raises Invalid with what is wrong with it."""
    turn = _turns.setdefault(user, threading.BoundedSemaphore())
    with turn:
        return _beside.run(_make, file)


def _make(file: IO[bytes]) -> bytes:
    data = file.read(MOST_BYTES + 1)
    if not data:
        raise Invalid("picture", Text("is an empty file; choose another one"))
    if len(data) > MOST_BYTES:
        raise too_large()
    if data.startswith(b"\xff\xd8"):
        _check_parts(data)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size)
            return _encoded(_square(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise Invalid("picture", Text("is no PNG, JPEG or WebP; choose another file")) from None
    except Invalid:
        raise
    except Exception as error:  # Pillow's decoders raise whatever a broken file leads to, not one kind of error
        raise Invalid("picture", Text("is damaged or cut off; choose another file")) from error


def too_large() -> Invalid:
    return Invalid("picture", Text("is larger than %(most)d MB; choose a smaller file", most=MOST_BYTES // 2**20))


def _too_many_pixels() -> Invalid:
    return Invalid(
        "picture",
        Text(
            "has too many pixels; choose one of at most %(side)d a side and %(all)d million in all",
            side=LONGEST_SIDE,
            all=MOST_PIXELS // 10**6,
        ),
    )


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise _too_many_pixels()


def _check_parts(data: bytes) -> None:
    """Refuse a JPEG whose parts would take long. They are followed as the decoder does: what stands within a segment,
    as a thumbnail does, or behind the end, as the film of a moving photograph does, does not count.
    """
    scans = segments = 0
    at = 2
    while found := _MARKER.search(data, at):
        marker = found[1][0]
        if marker == _END_OF_IMAGE:
            return
        scans += marker == _START_OF_SCAN
        segments += 1
        filling = 0 if scans else found.start() - at
        if scans > MOST_SCANS or segments > MOST_SEGMENTS or filling > MOST_FILLING:
            raise Invalid("picture", Text("is a JPEG of too many parts; save it anew, as PNG"))
        at = found.end()
        if marker >= _FIRST_WITH_A_LENGTH:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))


def _square(image: Image.Image) -> Image.Image:
    """The middle of the first frame, upright."""
    image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG can be decoded to a fraction of its size
    image.load()
    orientation = 1
    with contextlib.suppress(Exception):  # metadata that cannot be read says nothing
        orientation = image.getexif().get(_ORIENTATION, 1)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = _reduced(image, (left, top, left + side, top + side))
    if square.mode.startswith("I"):  # 16 bits of grey: converted as they are, all but black would be white
        square = square.point(lambda value: value * (1 / 256)).convert("L")
    square = square.convert("RGBA" if image.has_transparency_data else "RGB")
    square = square.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return square.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else square


def _reduced(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The part in the box, of a large picture made smaller at once: each whole copy can take 160 MB."""
    factor = (box[2] - box[0]) // (2 * SIDE)
    if factor < 2 or image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK") or "transparency" in image.info:
        return image.crop(box)
    if image.mode in _PREMULTIPLIED:  # else the colour of what cannot be seen would mix into the edges
        return image.convert(_PREMULTIPLIED[image.mode]).reduce(factor, box).convert(image.mode)
    return image.reduce(factor, box)


def _encoded(square: Image.Image) -> bytes:
    square.info = {}  # a colour profile would be written too
    out = io.BytesIO()
    square.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()


def store(transaction: Transaction, user: int, data: bytes) -> None:
    """The user's picture from now on, as `make` made it."""
    transaction.run(_STORE, user_id=user, data=data)
    transaction.run(_SET_VERSION, user=user, version=hashlib.sha256(data).hexdigest()[:16])


def remove(transaction: Transaction, user: int) -> None:
    """The user's initials are shown again."""
    transaction.run(_REMOVE, user=user)
    transaction.run(_SET_VERSION, user=user, version=None)


def of(connection: Connection, name: str) -> tuple[Person, bytes | None]:
    """The person of this name, and the picture if there is one, as WebP. Raises NotFound."""
    row = connection.one(_WITH_PICTURE, name=people.fold(name)) if is_text(name) else None
    if row is None:
        raise people.unknown(name)
    return Person(*row[:-1]), row[-1]
