"""Every oddity of ACCEPTANCE F1 and F2: a picture comes out right, or a PictureError says why not."""

import hashlib
import io
import os
import random
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin

from components.items.pictures import PictureError, inspect_picture, jpeg_for_model, open_picture

Save = Callable[..., Path]


def reason(path: Path, **options: int) -> str:
    """The reason given for refusing it; the same whether it is inspected, opened, or made small to be sent."""
    reasons = set()
    for read in (inspect_picture, open_picture, *([] if options else [jpeg_for_model])):
        with pytest.raises(PictureError) as caught:
            read(path, **options)
        reasons.add(caught.value.reason)
    assert len(reasons) == 1, reasons
    return reasons.pop()


def difference(a: Image.Image, b: Image.Image) -> float:
    assert a.size == b.size
    return float(np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).mean())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tiff", "avif", "jp2"])
def test_common_formats_come_out_as_plain_rgb(save: Save, photo: Image.Image, suffix: str) -> None:
    path = save(f"a.{suffix}")
    image = open_picture(path)
    assert image.mode == "RGB" and type(image) is Image.Image and not image.info
    assert difference(image, photo) < 12
    facts = inspect_picture(path)
    assert (facts.width, facts.height) == photo.size
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_exif_orientation_is_applied_once(save: Save, photo: Image.Image, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(f"turned.{suffix}", exif=exif, **({"quality": 95} if suffix in ("jpg", "webp") else {}))
    reference = photo.copy()
    reference.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(reference)
    image = open_picture(path)
    assert difference(image, upright) < 6
    facts = inspect_picture(path)
    assert (facts.width, facts.height) == image.size == upright.size


def test_exif_orientation_out_of_range_or_broken_is_ignored(save: Save, photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert open_picture(save("a.jpg", exif=exif)).size == photo.size
    data = bytearray(save("b.jpg", exif=exif).read_bytes())
    at = data.index(b"Exif\0\0") + 6
    data[at : at + 16] = b"\xff" * 16
    broken = save("b.jpg")
    broken.write_bytes(bytes(data))
    assert open_picture(broken).size == photo.size


def test_transparency_is_laid_on_white(save: Save) -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    half = Image.new("RGBA", (32, 32), (0, 0, 0, 128))
    assert open_picture(save("clear.png", clear)).getpixel((5, 5)) == (255, 255, 255)
    assert open_picture(save("half.png", half)).getpixel((5, 5)) == (127, 127, 127)
    assert open_picture(save("la.png", half.convert("LA"))).getpixel((5, 5)) == (127, 127, 127)
    assert open_picture(save("clear.webp", clear, lossless=True)).getpixel((5, 5)) == (255, 255, 255)
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([0, 0, 0, 250, 20, 20])
    assert open_picture(save("p.png", palette)).getpixel((5, 5)) == (250, 20, 20)
    assert open_picture(save("clear_p.png", palette, transparency=1)).getpixel((5, 5)) == (255, 255, 255)
    assert open_picture(save("key.png", Image.new("RGB", (32, 32), (1, 2, 3)), transparency=(1, 2, 3))).getpixel(
        (5, 5)
    ) == (255, 255, 255)


def test_modes_other_than_rgb(save: Save, photo: Image.Image) -> None:
    grey = photo.convert("L")
    assert difference(open_picture(save("l.png", grey)), grey.convert("RGB")) == 0
    bits = open_picture(save("1.png", grey.convert("1")))
    assert set(np.unique(np.asarray(bits))) == {0, 255}
    assert difference(open_picture(save("cmyk.jpg", photo.convert("CMYK"), quality=95)), photo) < 4
    assert difference(open_picture(save("cmyk.tiff", photo.convert("CMYK"))), photo) < 2
    assert difference(open_picture(save("ycc.tiff", photo.convert("YCbCr"), compression="jpeg", quality=95)), photo) < 4


def test_sixteen_and_thirty_two_bits_keep_their_greys(save: Save, photo: Image.Image) -> None:
    grey = np.asarray(photo.convert("L"))
    shown = photo.convert("L").convert("RGB")
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    assert difference(open_picture(save("16.png", deep)), shown) < 1
    assert difference(open_picture(save("16.tiff", deep)), shown) < 1
    assert difference(open_picture(save("32.tiff", Image.fromarray(grey.astype(np.int32) * 257))), shown) < 1
    assert difference(open_picture(save("f01.tiff", Image.fromarray((grey / 255).astype(np.float32)))), shown) < 1
    assert difference(open_picture(save("f255.tiff", Image.fromarray(grey.astype(np.float32)))), shown) < 1
    heights = open_picture(save("heights.tiff", Image.fromarray((grey.astype(np.float32) - 100) * 9)))
    assert np.asarray(heights).min() == 0 and np.asarray(heights).max() == 255
    holes = grey.astype(np.float32)
    holes[0, 0] = np.nan
    assert open_picture(save("nan.tiff", Image.fromarray(holes))).getpixel((0, 0)) == (0, 0, 0)


def test_animations_give_their_first_frame(save: Save) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    for suffix in ("gif", "webp", "png", "tiff"):
        lossless = {"lossless": True} if suffix == "webp" else {}
        path = save(f"moving.{suffix}", frames[0], save_all=True, append_images=frames[1:], **lossless)
        assert open_picture(path).getpixel((20, 15)) == (255, 0, 0), suffix


def test_colours_of_other_profiles_become_srgb(save: Save) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    green = Image.new("RGB", (32, 32), (10, 200, 30))
    assert open_picture(save("s.png", green, icc_profile=srgb)).getpixel((1, 1)) == (10, 200, 30)
    assert open_picture(save("wrong_space.png", green, icc_profile=lab)).getpixel((1, 1)) == (10, 200, 30)
    assert open_picture(save("broken.png", green, icc_profile=b"no profile")).getpixel((1, 1)) == (10, 200, 30)
    swapped = wide_gamut(srgb)
    assert open_picture(save("wide.png", green, icc_profile=swapped)).getpixel((1, 1)) == (200, 10, 30)


def wide_gamut(srgb: bytes) -> bytes:
    """An RGB profile that is surely not sRGB: its red and green are each other's."""
    data = bytearray(srgb)
    count = struct.unpack(">I", data[128:132])[0]
    places = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    data[red + 4 : red + 12], data[green + 4 : green + 12] = data[green + 4 : green + 12], data[red + 4 : red + 12]
    at = struct.unpack(">I", data[places[b"desc"] + 4 : places[b"desc"] + 8])[0]
    size = struct.unpack(">I", data[places[b"desc"] + 8 : places[b"desc"] + 12])[0]
    for old in (b"sRGB", "sRGB".encode("utf-16-be")):
        data[at : at + size] = data[at : at + size].replace(old, old.replace(b"s", b"x", 1).replace(b"R", b"Q"))
    return bytes(data)


def test_refusals(save: Save, tmp_path: Path, jpeg: bytes) -> None:
    assert reason(save("dot.png", Image.new("RGB", (1, 1)))) == "too_small"
    assert reason(save("line.png", Image.new("RGB", (3000, 15)))) == "too_small"
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert reason(tmp_path / "empty.jpg") == "empty"
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    assert reason(tmp_path / "cut.jpg") == "truncated"
    (tmp_path / "head.jpg").write_bytes(jpeg[:20])
    assert reason(tmp_path / "head.jpg") == "truncated"
    for name, data in {
        "page.jpg": b"<html>404</html>", "notes.png": b"BMW is a car", "film.mp4": b"\0\0\0\x18ftypisom" + b"\0" * 99,
        "zip.png": b"PK\3\4" + b"\0" * 60, "doc.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
        assert reason(tmp_path / name) == "not_a_picture", name
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 99)
    with pytest.raises(PictureError, match=r"not_a_picture: .*HEIC.*JPEG"):
        open_picture(tmp_path / "phone.heic")
    assert reason(tmp_path / "gone.jpg") == "picture_missing"
    assert reason(tmp_path) == "not_a_picture"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == "not_a_picture"


def test_a_file_nobody_may_read_is_unreadable(save: Save, tmp_path: Path) -> None:
    path = save("secret.jpg")
    path.chmod(0)
    if os.geteuid() != 0:
        assert reason(path) == "unreadable"
        return
    for folder in (tmp_path, *tmp_path.parents[:3]):  # let the other user come as far as the file
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    os.seteuid(65534)  # root may read everything
    try:
        assert reason(path) == "unreadable"
    finally:
        os.seteuid(0)


def test_a_picture_under_a_wrong_name_is_a_picture(save: Save, photo: Image.Image) -> None:
    for name in ("really_png.jpg", "no_suffix", "text.txt"):
        assert difference(open_picture(save(name, format="PNG")), photo) == 0


def test_max_pixels(save: Save) -> None:
    path = save("a.png", Image.new("RGB", (100, 100)))
    assert open_picture(path, max_pixels=10_000).size == (100, 100)
    assert reason(path, max_pixels=9_999) == "too_large"


BOMBS = ("png", "jpeg", "gif", "bmp", "webp", "tiff")


def bomb(kind: str) -> bytes:
    """A small file that claims 20,000 x 20,000 pixels, and has them where that costs little."""
    if kind == "png":

        def chunk(name: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        packer = zlib.compressobj(9)
        pixels = b"".join(packer.compress(bytes(1 + 20_000)) for _ in range(20_000)) + packer.flush()
        header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    buffer = io.BytesIO()
    frames = {"save_all": True, "append_images": [Image.new("RGB", (64, 64), "red")]} if kind == "webp" else {}
    Image.new("RGB", (64, 64)).save(buffer, kind, **frames)
    data = bytearray(buffer.getvalue())
    if kind == "jpeg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", 20_000, 20_000)
    elif kind == "gif":
        data[6:10] = struct.pack("<HH", 20_000, 20_000)
    elif kind == "bmp":
        data[18:26] = struct.pack("<ii", 20_000, 20_000)
    elif kind == "webp":  # an animation: its canvas may be larger than its frames
        data[24:30] = (19_999).to_bytes(3, "little") * 2
    elif kind == "tiff":
        for tag in (256, 257):
            at = (
                data.index(struct.pack("<HH", tag, 4))
                if struct.pack("<HH", tag, 4) in data
                else data.index(struct.pack("<HH", tag, 3))
            )
            data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, 20_000)
    return bytes(data)


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_a_pixel_is_allocated(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(bomb(kind))
    assert reason(path) == "too_large"


@pytest.mark.slow
def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A 100-megapixel JPEG is inspected and made small in much less memory than its 300 MB of pixels."""
    for kind in BOMBS:
        (tmp_path / f"bomb.{kind}").write_bytes(bomb(kind))
    big = tmp_path / "big.jpg"
    Image.new("RGB", (10_000, 9_900), (200, 30, 40)).save(big, quality=80)
    code = f"""
import resource, sys
from pathlib import Path
from components.items.pictures import PictureError, inspect_picture, jpeg_for_model
import numpy, PIL.ImageCms
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path({str(tmp_path)!r}).glob("bomb.*")):
    try:
        inspect_picture(path)
        sys.exit(f"{{path}} was decoded")
    except PictureError as error:
        assert error.reason == "too_large", error
bombs = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert inspect_picture(Path({str(big)!r})).width == 10_000
jpeg_for_model(Path({str(big)!r}))
print(bombs - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    bombs, everything = map(int, done.stdout.split())
    assert bombs < 20_000, f"{bombs} KiB for pictures that were refused"
    assert everything < 80_000, f"{everything} KiB for a JPEG of 99 megapixels"


def test_a_changed_file_is_noticed(save: Save) -> None:
    path = save("a.jpg")
    sha256 = inspect_picture(path).sha256
    open_picture(path, sha256=sha256)
    jpeg_for_model(path, sha256=sha256)
    save("a.jpg", Image.new("RGB", (50, 50)))
    for read in (open_picture, jpeg_for_model):
        with pytest.raises(PictureError, match="changed"):
            read(path, sha256=sha256)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says so for each broken EXIF field
def test_cut_anywhere_or_with_any_byte_broken_nothing_else_escapes(save: Save, tmp_path: Path) -> None:
    """A picture comes out, or a PictureError; never another exception, never a hang."""
    chance = random.Random(5)
    small = open_picture(save("x.png")).resize((40, 30))
    for suffix in ("jpg", "png", "webp", "gif", "bmp", "tiff", "avif"):
        data = save(f"fuzz.{suffix}", small).read_bytes()
        bad = tmp_path / "bad"
        outcomes: dict[str, int] = {}
        cuts = [data[:length] for length in sorted({*range(0, min(len(data), 64), 3), *range(0, len(data), 97)})]
        for number in range(60):
            broken = bytearray(data)
            for _ in range(1 + number % 5):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            cuts.append(bytes(broken))
        for candidate in cuts:
            bad.write_bytes(candidate)
            try:
                inspect_picture(bad)
                open_picture(bad)
                outcomes["picture"] = outcomes.get("picture", 0) + 1
            except PictureError as error:
                outcomes[error.reason] = outcomes.get(error.reason, 0) + 1
        assert set(outcomes) <= {
            "picture", "truncated", "damaged", "empty", "not_a_picture", "too_small", "too_large",
        }, outcomes  # fmt: skip


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tiff", "avif"])
def test_a_picture_cut_in_half_is_truncated(save: Save, suffix: str) -> None:
    data = save(f"whole.{suffix}").read_bytes()
    cut = save(f"cut.{suffix}")
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError) as caught:
        inspect_picture(cut)
    assert caught.value.reason in {"truncated", "damaged"}


SECRETS = (b"SECRET", b"Exif", b"http://ns.adobe.com", b"ICC_PROFILE", b"Photoshop", b"GPS")


def with_secrets(save: Save, photo: Image.Image) -> list[Path]:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "SECRET artist"
    exif[ExifTags.Base.ImageDescription] = "SECRET place"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    gps[ExifTags.GPS.GPSAreaInformation] = "SECRET gps"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a xmlns="http://ns.adobe.com/xap/1.0/">SECRET xmp</a></x:xmpmeta>'
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRET comment")
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    paths = [
        save("a.jpg", exif=exif, comment=b"SECRET comment", xmp=xmp, icc_profile=icc, dpi=(300, 300)),
        save("a.png", exif=exif, pnginfo=text, icc_profile=icc),
        save("a.webp", exif=exif, xmp=xmp, icc_profile=icc),
        save("a.gif", comment=b"SECRET comment"),
        save("a.tiff", exif=exif, description="SECRET words"),
    ]
    paths[0].write_bytes(paths[0].read_bytes() + b"SECRET trailer: a second picture, as motion photos have")
    for path in paths:
        assert b"SECRET" in path.read_bytes(), path
    return paths


def test_nothing_but_pixels_leaves_the_machine(save: Save, photo: Image.Image) -> None:
    for path in with_secrets(save, photo):
        data = jpeg_for_model(path)
        assert not [secret for secret in SECRETS if secret in data], path
        sent = Image.open(io.BytesIO(data))
        assert (
            sent.format == "JPEG"
            and not sent.getexif()
            and set(sent.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        )
        markers = [data[at + 1] for at in range(len(data) - 1) if data[at] == 0xFF and 0xE1 <= data[at + 1] <= 0xFE]
        assert not set(markers) & {*range(0xE1, 0xF0), 0xFE}, "no APP1 to APP15, no comment"
        assert open_picture(path).info == {}


def test_jpeg_for_model_is_small_upright_and_the_same_each_time(save: Save) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save("large.jpg", Image.effect_mandelbrot((3000, 2000), (-2, -1, 1, 1), 50).convert("RGB"), exif=exif)
    first = jpeg_for_model(path)
    assert Image.open(io.BytesIO(first)).size == (512, 768)
    assert Image.open(io.BytesIO(jpeg_for_model(path, max_side=100))).size == (67, 100)
    assert first == jpeg_for_model(path)
    copy = path.with_name("renamed")
    copy.write_bytes(path.read_bytes())
    assert jpeg_for_model(copy) == first
    tiny = save("tiny.png", Image.new("RGB", (20, 30)))
    assert Image.open(io.BytesIO(jpeg_for_model(tiny))).size == (20, 30), "never enlarged"


def test_pillows_own_limit_is_left_as_it_was(save: Save) -> None:
    before = Image.MAX_IMAGE_PIXELS
    open_picture(save("a.png"))
    assert before == Image.MAX_IMAGE_PIXELS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
