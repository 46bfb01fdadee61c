"""What models see: equal to what the libraries' own processors make, one decoded picture for all of them."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor

from components.features import load_models
from components.features.pixels import SAME, eye_of, probe
from components.items.pictures import open_picture
from tests.features.tiny_models import Tiny

SIZES = ((900, 700), (33, 200), (32, 32), (20, 18))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"resample": 3},
        {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
        {"do_center_crop": True, "crop_size": {"height": 24, "width": 24}},
        {"do_normalize": False},
        {"size": {"height": 48, "width": 24}},
        {"do_resize": False},
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "do_center_crop": True,
         "crop_size": {"height": 32, "width": 32}},
    ],
)  # fmt: skip
def test_an_eye_sees_what_transformers_processor_makes(tiny: Tiny, tmp_path: Path, change: dict[str, object]) -> None:
    folder = shutil.copytree(tiny.folder / "picture_encoder", tmp_path / "changed")
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    eye, processor = eye_of(folder), AutoImageProcessor.from_pretrained(folder)
    for width, height in SIZES:
        image = probe(width, height)
        expected = processor(image, return_tensors="pt")["pixel_values"][0]
        assert eye.see(image).shape == expected.shape
        assert float((eye.see(image) - expected).abs().max()) <= SAME


def test_models_that_look_alike_share_what_they_see(tiny: Tiny) -> None:
    """The captioner's file is of 2022 and says the same in other words."""
    models, image = load_models(tiny.spec()), probe(300, 200)
    seen = models.prepare(image)
    assert seen["captioner"] is seen["picture_encoder"]
    assert torch.allclose(seen["captioner"], models.captioner.prepare(image), atol=SAME)
    assert torch.allclose(seen["picture_encoder"], models.picture_encoder.prepare(image), atol=SAME)
    assert torch.equal(seen["clip"], models.clip.prepare(image))
    assert models.short_side == 64, "twice what they see"


@pytest.mark.parametrize(
    ("form", "size", "decoded"),
    [
        ("PNG", (800, 1000), (100, 125)),
        ("PNG", (390, 500), (130, 167)),
        ("JPEG", (400, 1000), (100, 250)),
        ("JPEG", (390, 500), (195, 250)),
        ("JPEG", (4000, 3000), (167, 125)),
        ("PNG", (130, 900), (130, 900)),
        ("JPEG", (60, 40), (60, 40)),
    ],
)
def test_a_picture_is_decoded_at_1_nth_of_its_size_with_enough_pixels(
    tmp_path: Path, form: str, size: tuple[int, int], decoded: tuple[int, int]
) -> None:
    """A JPEG at 1/2, 1/4 or 1/8; where that is still too large, pixels are averaged by whole numbers."""
    probe(*size).save(tmp_path / "picture", form)
    assert open_picture(tmp_path / "picture", short_side=100).size == decoded


def test_a_fraction_of_a_picture_shows_the_picture(tmp_path: Path) -> None:
    gradient = Image.radial_gradient("L").resize((1000, 800)).convert("RGB")
    gradient.save(tmp_path / "picture.jpg", quality=95)
    small = open_picture(tmp_path / "picture.jpg", short_side=100)
    assert small.size == (125, 100)
    wanted = torch.tensor(list(gradient.resize(small.size).convert("L").get_flattened_data()))
    found = torch.tensor(list(small.convert("L").get_flattened_data()))
    assert float((wanted - found).abs().float().mean()) < 2


def test_a_turned_photograph_is_upright_at_a_fraction(tmp_path: Path) -> None:
    image = Image.new("RGB", (800, 400))
    image.paste((255, 255, 255), (0, 0, 400, 400))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    found = open_picture(tmp_path / "turned.jpg", short_side=100)
    assert found.size == (100, 200)
    assert sum(found.getpixel((50, 10))) > 700 and sum(found.getpixel((50, 190))) < 50  # type: ignore[arg-type]
