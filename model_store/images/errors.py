"""What can be wrong with an uploaded image, said so that the person who sent it knows what to do."""

from enum import StrEnum

from model_store.errors import MemorabilityError

_SEND_INSTEAD = "send a JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP image"


class ImageErrorCode(StrEnum):
    """The codes a failed score record carries."""

    UNREADABLE_IMAGE = "unreadable_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    IMAGE_TOO_LARGE = "image_too_large"
    TRUNCATED_IMAGE = "truncated_image"
    EMPTY_FILE = "empty_file"


class ImageError(MemorabilityError):
    """A file that gives no picture: a code for programs, and a message that names file, limit and remedy."""

    def __init__(self, code: ImageErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["ImageError"], tuple[ImageErrorCode, str]]:
        """Pickle with both arguments, so that the error survives the way back from a worker process."""
        return ImageError, (self.code, str(self))

    @classmethod
    def empty(cls, filename: str) -> "ImageError":
        """A file of no bytes."""
        return cls(ImageErrorCode.EMPTY_FILE, f"{filename} is empty (0 bytes); upload it again")

    @classmethod
    def too_many_bytes(cls, filename: str, n_bytes: int, max_bytes: int) -> "ImageError":
        """A file over the limit on its size."""
        return cls(
            ImageErrorCode.IMAGE_TOO_LARGE,
            f"{filename} has {n_bytes / 1e6:,.1f} MB and the limit is {max_bytes / 1e6:g} MB; "
            "save it smaller or with more compression",
        )

    @classmethod
    def too_many_pixels(cls, filename: str, described: str, max_pixels: int) -> "ImageError":
        """A picture over a limit on its pixels; `described` as in "has 80.0 megapixels"."""
        return cls(
            ImageErrorCode.IMAGE_TOO_LARGE,
            f"{filename} {described} and the limit is {max_pixels / 1e6:g} megapixels; scale it down",
        )

    @classmethod
    def unsupported(cls, filename: str, kind: str) -> "ImageError":
        """A file of a recognised kind that is not decoded; `kind` as in "a PDF document"."""
        return cls(
            ImageErrorCode.UNSUPPORTED_FORMAT,
            f"{filename} is {kind}, which this service does not read; {_SEND_INSTEAD}",
        )

    @classmethod
    def truncated(cls, filename: str) -> "ImageError":
        """A file whose end is missing."""
        return cls(
            ImageErrorCode.TRUNCATED_IMAGE,
            f"{filename} ends before its picture is complete; upload the whole file again",
        )

    @classmethod
    def unreadable(cls, filename: str, reason: str) -> "ImageError":
        """A file that no decoder makes sense of."""
        return cls(
            ImageErrorCode.UNREADABLE_IMAGE,
            f"{filename} is not an image this service can read ({reason}); {_SEND_INSTEAD}",
        )
