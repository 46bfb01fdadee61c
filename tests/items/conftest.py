"""Pictures and tables that the tests of items/ write for themselves."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL = Path(__file__).parents[2].parent / "shared/data/real"


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip(f"the real data is not on this machine ({REAL})")
    return REAL


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """Smooth, of every colour, and with a different colour in each corner."""
    x, y = np.meshgrid(np.linspace(0, 255, 96), np.linspace(0, 255, 64))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8), "RGB")


@pytest.fixture
def save(tmp_path: Path, photo: Image.Image) -> Callable[..., Path]:
    """save("a.jpg", image=..., format=..., **options of Pillow) -> path; the photo where no image is given."""

    def write(name: str, image: Image.Image | None = None, **options: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (image or photo).save(path, **options)
        return path

    return write


@pytest.fixture(scope="session")
def jpeg(photo: Image.Image) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
