"""The fixtures of the end-to-end tests, which these are, with a platform around them."""

from tests.e2e.conftest import command, demo_photos, published, store_folder

__all__ = ["command", "demo_photos", "published", "store_folder"]
