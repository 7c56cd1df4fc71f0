"""Copies the demonstration's photos out of scikit-image, which carries them under free licences.

`python -m scripts.demo_photos FOLDER`
"""

import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path

# Photographer and licence, as the documentation of `skimage.data` gives them.
PHOTOS = {
    "astronaut.png": "NASA, public domain",
    "camera.png": "Lav Varshney, CC0",
    "chelsea.png": "Stéfan van der Walt, CC0",
    "clock_motion.png": "Stéfan van der Walt, public domain",
    "coffee.png": "Rachel Michetti, CC0",
    "hubble_deep_field.jpg": "NASA, public domain",
    "rocket.jpg": "SpaceX, public domain",
}


def copy_photos(folder: Path) -> None:
    """Copies every photo into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PHOTOS:
        with as_file(files("skimage.data").joinpath(name)) as source:
            shutil.copyfile(source, folder / name)


if __name__ == "__main__":
    copy_photos(Path(sys.argv[1]))
