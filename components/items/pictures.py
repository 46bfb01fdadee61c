"""Opens pictures that strangers made: any mode, orientation and damage, with bounded memory and no metadata left.

Reads a file once: the bytes that are hashed are the bytes that are decoded. The size in the header is judged before a
pixel is allocated, because a file of a few kilobytes can ask for gigabytes.
"""

import hashlib
import io
import re
import stat
import struct
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

MAX_BYTES = 256 * 1024 * 1024
MIN_SIDE = 16
"""A picture with a shorter side is a tracking pixel or an icon: nothing a post could be about."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000")
_MAGIC = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II[*+]\0|MM\0[*+]|RIFF....WEBP|....ftypavi[fs]|\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    re.DOTALL,
)
"""How files of these formats begin; a film of gigabytes is turned away after 32 bytes."""
_HEIC = re.compile(rb"....ftyp(hei|hev|mif1)", re.DOTALL)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_no_pillow_limit = threading.Lock()
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # it prints one for every broken EXIF field


class PictureError(Exception):
    """A picture that cannot be used; `reason` is the quarantine's, `detail` one line for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What ingestion notes down; width and height in pixels, as the picture is seen (upright)."""

    sha256: str
    width: int
    height: int


def open_picture(
    path: str | Path,
    *,
    sha256: str | None = None,
    max_pixels: int = 100_000_000,
    max_side: int | None = None,
    short_side: int | None = None,
) -> Image.Image:
    """The picture as people see it: RGB, upright, on white, first frame, fully decoded, without any metadata.

    `sha256`: raise PictureError("changed") unless the file still has these bytes. `max_side`: at most so many pixels a
    side; a JPEG is then decoded at a fraction of its size, which costs a fraction of the memory. `short_side` instead,
    for who resizes it anyway: at the smallest 1/n of its size that leaves so many pixels on the shorter side, which
    takes a fifth of the time.
    """
    data = read_bytes(path)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise PictureError("changed", f"{path}: no longer the picture that was ingested; run ingestion again")
    image = _upright_rgb(_header(data, path, max_pixels), path, max_side, short_side)
    if max_side is not None:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return image


def jpeg_for_model(path: str | Path, *, sha256: str | None = None, max_side: int = 768) -> bytes:
    """The only form in which a picture leaves the machine: a small JPEG made from pixels alone, so that no place, name
    or comment goes with it. The same file gives the same bytes."""
    buffer = io.BytesIO()
    open_picture(path, sha256=sha256, max_side=max_side).save(buffer, "JPEG", quality=88, optimize=True)
    return buffer.getvalue()


def inspect_picture(path: str | Path, *, max_pixels: int = 100_000_000) -> PictureFacts:
    """Decodes all of the picture once, at a small size where the format allows, and notes what it is."""
    data = read_bytes(path)
    image = _header(data, path, max_pixels)
    width, height = image.size
    if _orientation(image) >= 5 and image.format != "TIFF":  # Pillow's TIFF reader has turned the size already
        width, height = height, width
    _upright_rgb(image, path, max_side=256)
    return PictureFacts(hashlib.sha256(data).hexdigest(), width, height)


def read_bytes(path: str | Path) -> bytes:
    """The whole file, unless its first bytes or its size say that it is no picture to be decoded."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise PictureError("not_a_picture", f"{path}: not a regular file")
        with Path(path).open("rb") as file:
            head = file.read(32)
            if not head:
                raise PictureError("empty", f"{path}: has no bytes")
            if not _MAGIC.match(head):
                hint = "HEIC is not read; save it as JPEG" if _HEIC.match(head) else "no picture format that is read"
                raise PictureError("not_a_picture", f"{path}: {hint}")
            if status.st_size > MAX_BYTES:
                raise PictureError("too_large", f"{path}: {status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
            return head + file.read()
    except FileNotFoundError as error:
        raise PictureError("picture_missing", f"{path}: the file is gone, or a link to nothing") from error
    except OSError as error:
        raise PictureError("unreadable", f"{path}: {error.strerror or error}") from error


def _header(data: bytes, path: str | Path, max_pixels: int) -> Image.Image:
    """The opened, not yet decoded picture, its size found acceptable."""
    try:
        with _no_pillow_limit:  # Pillow's limit is a global; without the lock two threads could leave it off
            before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(io.BytesIO(data), formats=_FORMATS)
            finally:
                Image.MAX_IMAGE_PIXELS = before
    except UnidentifiedImageError as error:
        if data.startswith(b"BM"):  # two letters that a text may begin with, too
            raise PictureError("not_a_picture", f"{path}: no picture format that is read") from error
        raise PictureError("truncated", f"{path}: begins like a picture and ends or breaks in its header") from error
    except Exception as error:  # Pillow's readers raise almost anything on broken bytes; every one of them means this
        raise PictureError("damaged", f"{path}: {type(error).__name__}: {error}") from error
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError("too_large", f"{path}: {width:,} x {height:,} pixels; at most {max_pixels:,} are decoded")
    if min(width, height) < MIN_SIDE:
        raise PictureError("too_small", f"{path}: {width} x {height} pixels; at least {MIN_SIDE} a side")
    return image


def _upright_rgb(
    image: Image.Image, path: str | Path, max_side: int | None, short_side: int | None = None
) -> Image.Image:
    least = short_side or (2 * max_side if max_side is not None else None)
    try:
        if least is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (least, least))
        image.load()
        turn = _TURNS.get(_orientation(image))
        if least is not None and image.mode in ("L", "RGB", "CMYK"):  # before conversions copy it at full size
            side = min(image.size) if short_side is not None else max(image.size)
            image = image.reduce(max(1, side // least))
        rgb = _rgb(image)
        return rgb.transpose(turn) if turn is not None else rgb
    except MemoryError as error:
        raise PictureError("too_large", f"{path}: not enough memory to decode it") from error
    except Exception as error:  # as above: broken bytes end in almost any exception
        cut = isinstance(error, (OSError, EOFError)) and "truncated" in str(error)
        raise PictureError("truncated" if cut else "damaged", f"{path}: {type(error).__name__}: {error}") from error


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except (SyntaxError, ValueError, KeyError, TypeError, OverflowError, OSError, struct.error):
        return 1  # broken EXIF beside whole pixels is common, and then nobody turns the picture
    return value if isinstance(value, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    """A new RGB picture that carries pixels and nothing else."""
    profile = image.info.get("icc_profile")
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif profile and image.mode in ("RGB", "CMYK", "LAB"):
        image = _to_srgb(image, profile)
    clean = Image.new("RGB", image.size, "white")
    clean.paste(image if image.mode == "RGBA" else image.convert("RGB"), mask=image if image.mode == "RGBA" else None)
    return clean


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as they were meant: phones write Display P3, print shops CMYK."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile, or one of another colour space: plain conversion is what viewers show, too
    return converted if converted is not None else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """16- and 32-bit greys. Whole numbers up to 65535 keep their scale, so that a dark picture stays dark; other ranges
    (scientific TIFF) are stretched from their darkest to their lightest value."""
    values: np.ndarray = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        values = values * 255
    elif image.mode != "F" and low >= 0 and (high > 255 or image.mode.startswith("I;")) and high <= 65535:
        values = values / 257
    elif low < 0 or high > 255:
        values = (values - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8), mode="L")
