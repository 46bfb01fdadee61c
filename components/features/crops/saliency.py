"""What stands out in a picture, without any model: the spectral residual of Hou and Zhang (2007).

Read: a decoded picture. Pictures have log spectra of one shape; what differs from the shape, turned back into a
picture, is what is unlike the rest of it. Added to the paper: two colour planes beside the brightness, weighted by
their contrast, and mirrored edges, because a Fourier transform takes the jump from one edge to the opposite for a
sight. Named for features as METHOD, whose number rises when the same picture begins to give other boxes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.features.crops.boxes import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

METHOD = "spectral_residual@1"
LABEL = "salient part"

SIDE = 64
"""Pixels of the longer side that are looked at, as in the paper: things of a picture's scale, not its grain."""
BLUR = 3.0
FROM = 2.0
"""Times the mean from which a place stands out. The paper has 3 for brightness alone and a narrower blur."""
FLAT = 0.01
"""Standard deviation of a plane, in units of its range, under which it shows nothing but noise."""
CORE = 0.3
"""Share of a region's highest value from which a place belongs to the thing that stands out."""
LEAST = 0.08
"""Share of all that is salient from which a part is worth a look."""


def salient_parts(image: Image.Image) -> list[Part]:
    """The regions that stand out, each scored by its share of all that is salient; none in a flat picture or noise."""
    from scipy import ndimage

    salient = saliency(image)
    if salient is None:
        return []
    regions, _ = ndimage.label(salient > FROM * salient.mean())
    height, width = salient.shape
    parts = []
    for number, place in enumerate(ndimage.find_objects(regions), start=1):
        of_region = salient[place] * (regions[place] == number)
        share = float(of_region.sum() / salient.sum())
        # The blur carries what is very salient far beyond its edges.
        core = of_region >= CORE * of_region.max()
        ((rows, columns),) = ndimage.find_objects(core.astype(int))
        top, left = place[0].start, place[1].start
        box = (
            (left + columns.start) / width, (top + rows.start) / height,
            (left + columns.stop) / width, (top + rows.stop) / height,
        )  # fmt: skip
        # What runs along a whole edge of the picture is where sky or ground ends, not a thing.
        if share >= LEAST and sum((box[0] == 0, box[1] == 0, box[2] == 1, box[3] == 1)) < 3:
            parts.append(Part(LABEL, share, box))
    return parts


def saliency(image: Image.Image) -> NDArray[np.float64] | None:
    """(h, w) with the longer side SIDE, not negative, in no unit; None where no plane shows anything."""
    import numpy as np
    from PIL import Image
    from scipy import ndimage

    scale = SIDE / max(image.size)
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float64) / 255
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    planes = [(red + green + blue) / 3, red - green, blue - (red + green) / 2]
    telling = [(plane, float(plane.std())) for plane in planes if plane.std() > FLAT]
    if not telling:
        return None
    found = np.zeros_like(red)
    for plane, contrast in telling:
        unlike = _spectral_residual(plane)
        found += contrast * unlike / unlike.mean()
    blurred: NDArray[np.float64] = ndimage.gaussian_filter(found, BLUR)
    return blurred


def _spectral_residual(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np
    from scipy import ndimage

    centred = plane - plane.mean()
    mirrored = np.block([[centred, centred[:, ::-1]], [centred[::-1], centred[::-1, ::-1]]])
    spectrum = np.fft.fft2(mirrored)
    amplitude = np.abs(spectrum)
    # The floor keeps frequencies that are hardly there, as in drawings and lettering, from deciding everything.
    log_amplitude = np.log(amplitude + 0.1 * amplitude.mean())
    residual = log_amplitude - ndimage.uniform_filter(log_amplitude, 3, mode="wrap")
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    unlike: NDArray[np.float64] = np.abs(back[: plane.shape[0], : plane.shape[1]]) ** 2
    return unlike
