"""What the tests of published tables share."""

from priced_once import priced_once

__all__ = ["priced_once"]
