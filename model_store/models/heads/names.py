"""Names of the parameters of heads, for those who read or write them and do not compute."""

CENTRES = "centres"
READOUT = "readout"
ERROR = "error"


def projection_name(trunk: int) -> str:
    """Name of the dense layer that projects the features of a trunk, which are counted from 0."""
    return f"projection_{trunk}"
