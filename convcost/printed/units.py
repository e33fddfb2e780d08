"""The words of the field for scales and units, as numbers and column titles print them."""

from __future__ import annotations

# Without case, spaces and hyphens.
_UNITS = {
    "params": "param params param. params. parameter parameters weights",
    "macs": "mac macs macc maccs madd madds fma fmas multadd multadds multiadd multiadds multiplyadd"
    " multiplyadds multacc multaccs multiplyaccumulate multiplyaccumulates multiplyaccumulations"
    " multiplicationadditions multiplyadditions",
    "flops": "flop flops floatingpointoperations",
    "ops": "op ops operations",
    "bytes": "byte bytes",
    "activations": "activations acts",
    "x": "x × times",
    "": "",
}
_SCALES = {
    "K": "k thousand thousands",
    "M": "m million millions millionen mio mio. mn 百万 백만",
    "G": "g b bn billion billions milliard milliards milliarde milliarden mrd mrd. 十亿 十億",
    "e4": "万 萬 만",
    "e8": "亿 亿次 億 억",
    "T": "t tn trillion trillions",
    "%": "% percent",
    "": "",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split(" ")}
_SCALE_OF = {word: scale for scale, words in _SCALES.items() for word in words.split(" ")}
_EXACT_CASE = {"Ki": "Ki", "Mi": "Mi", "Gi": "Gi", "Ti": "Ti", "B": "bytes"}  # a small b could be bits
_NEITHER = ("bop", "bops", "top")  # bit operations, and the top of top-1


def scale_and_unit(words: str) -> tuple[str, str] | None:
    """Read a word without spaces and hyphens as a scale, a unit or both: "GMac" is ("G", "macs").

    None if it is neither. A scale is preferred to a unit: "B" is a billion, "MB" a million bytes.
    """
    if words.casefold() in _NEITHER:
        return None
    for cut in range(len(words), -1, -1):
        scale, unit = words[:cut], words[cut:]
        scale_of = _EXACT_CASE.get(scale) if scale.endswith("i") else _SCALE_OF.get(scale.casefold())
        unit_of = "bytes" if unit == "B" else _UNIT_OF.get(unit.casefold())
        if scale_of is not None and unit_of is not None:
            return scale_of, unit_of
    return None
