"""Prices: what each assumption about a printed number costs, in bits, and why.

A price is -log2 of how often the assumption is met where nothing is said of it. All assumptions of one factor exclude
each other, so that 2^-bits sums to at most 1 within a factor, and over all hypotheses about a number, which take one
assumption of each factor: the prices are a code. Where several share a price (`among`), they share its probability.
"""

from __future__ import annotations

from functools import cache
from math import log, log2
from typing import Any, NamedTuple


class Price(NamedTuple):
    """The bits that one assumption about a printed number costs: `bits("macs", "flops2")` is 5.0."""

    factor: str
    """What is assumed something about; the assumptions of one factor exclude each other."""
    assumption: str
    bits: float
    """-log2 of how often it is met where nothing is said of it."""
    why: str
    """What the frequency was seen in, or its reason."""


ODDS = 2.0
"""Bits by which a finding must be cheaper than what else it could be: 4 to 1."""

PRICES = tuple(
    Price(*row)
    for row in (
        ("params", "params", 0.4, "three of four tables count what is trained"),
        ("params", "weights", 3.5, "TF-slim's READMEs, GoogLeNet's table"),
        ("params", "total", 3.5, "Keras' count_params()"),
        ("params", "weights+biases", 5.0, "papers before batch normalisation"),
        ("params", "another", 6.0, "every other rule together"),
        ("macs", "macs", 0.45, "what the heading says"),
        ("macs", "flops2", 5.0, "a column of FLOPs under the name of MACs"),
        ("macs", "a usual tool", 3.0, "fvcore, thop and ptflops: most tables that a tool made"),
        ("macs", "another", 6.0, "every other rule together"),
        ("flops", "macs", 0.9, "half of the tables call multiply-adds FLOPs"),
        ("flops", "flops2", 2.0, "a multiply and an add each"),
        ("flops", "a usual tool", 2.6, "fvcore, thop and ptflops print FLOPs"),
        ("flops", "another", 5.0, "every other rule together"),
        ("ops", "macs", 0.6, "multiply-adds, by whatever name"),
        ("ops", "flops2", 3.2, "twice as many, by whatever name"),
        ("ops", "a usual tool", 2.5, "fvcore, thop and ptflops"),
        ("ops", "another", 5.5, "every other rule together"),
        ("bytes", "params in 4 bytes", 1.3, "what is trained, in 32 bits"),
        ("bytes", "total in 4 bytes", 1.5, "a file of weights has the statistics, too: Keras' table"),
        ("bytes", "params in 2 bytes", 4.0, "half precision"),
        ("bytes", "total in 2 bytes", 5.0, "its file"),
        ("bytes", "params in 1 byte", 4.0, "quantised"),
        ("bytes", "total in 1 byte", 5.0, "its file"),
        ("activations", "activations", 1.0, "half of such tables count other tensors"),
        ("activations", "activations with poolings", 2.0, "pycls' tables, in which RegNets have no pooling"),
        ("memory", "in 4 bytes", 1.3, "elements in 32 bits, by any of the rules"),
        ("memory", "in 1 byte", 1.3, "quantised, as on microcontrollers"),
        ("memory", "in 2 bytes", 3.0, "half precision"),
        ("MB", "1000", 1.1, "MB are millions of bytes"),
        ("MB", "1024", 1.1, "and as often 2^20"),
        ("part", "", 0.15, "a network is counted whole"),
        ("part", "without linear layers", 4.5, "backbones, and papers that count convolutions"),
        ("part", "with auxiliary heads", 5.0, "the parameters of training"),
        ("part of a tool", "", 0.02, "a tool counts what it is given"),
        ("part of a tool", "without linear layers", 7.0, "a backbone that was given to a tool"),
        ("part of a tool", "with auxiliary heads", 8.0, "a network in training mode"),
        ("K", "1000", 0.05, "the field's K"),
        ("K", "1024", 5.0, "GoogLeNet's table, for one"),
        ("M", "1000", 0.002, "the field's M and G"),
        ("M", "1024", 10.0, "nobody states it"),
        ("rounding", "half_up", 0.4, "most numbers are rounded"),
        ("rounding", "truncated", 2.5, "one table of six: MobileNet v2's README, for one"),
        ("rounding", "half_even", 5.0, "Python's round(): as usual as it is, told from half up by ties alone"),
        ("rounding", "up", 9.0, "hardly ever"),
        ("rounding of a tool", "half_up", 0.1, "a program prints its tool's count"),
        ("rounding of a tool", "truncated", 7.5, "a program that prints its tool's count seldom cuts it"),
        ("rounding of a tool", "half_even", 5.0, "Python's format(): told from half up by ties alone"),
        ("rounding of a tool", "up", 9.0, "hardly ever"),
        ("zeros", "", 0.1, "digits are meant as they are printed"),
        ("zeros", "padded", 5.0, "25.560: a number of fewer places in a wider format"),
        ("zeros", "not meant", 9.0, "15300 M: to three digits"),
        ("columns", "alike", 0.2, "columns of one kind are counted in one way"),
        ("columns", "apart", 3.0, "two counters side by side, or two sources"),
        ("column", "of one making", 1.1, "a table counts all its networks in one way"),
        ("column", "of several sources", 1.3, "a comparison quotes other papers"),
        ("column", "careless", 5.0, "as many errors as right numbers"),
        ("column", "unknown", 5.5, "one column of forty is counted as nobody here knows"),
        ("column of one family", "of one making", 0.3, "a table about one family is its authors' own"),
        ("column of one family", "of several sources", 3.5, "it seldom quotes others"),
        ("column of one family", "careless", 5.0, "as many errors as right numbers"),
        ("column of one family", "unknown", 5.5, "one column of forty is counted as nobody here knows"),
        ("column of layers", "of one making", 0.3, "a table of layers is its authors' own"),
        ("column of layers", "of several sources", 5.0, "nobody else counted them"),
        ("column of layers", "careless", 4.0, "as many errors as right numbers"),
        ("column of layers", "unknown", 14.0, "layers have but weights and biases to count"),
        ("family", "named", 0.8, "the variant that the name says, or our default"),
        ("family", "usual", 1.7, "the one that the frameworks ship: v1.5 after 2017"),
        ("family", "another", 4.0, "any other variant"),
        ("family that is said", "named", 0.01, "a row that names its variant is of that"),
        ("family that is said", "usual", 12.0, "a name of another variant: hardly ever in a whole table"),
        ("family that is said", "another", 13.0, "any other variant"),
        ("variant", "shared", 0.15, "a table counts a family's networks from one source"),
        ("variant", "usual", 3.8, "a row from another source: the frameworks'"),
        ("variant", "another", 5.5, "a row from another source"),
        ("input of one family", "shared", 0.03, "its authors say where they count at another"),
        ("input of one family", "published", 9.5, "an input that the network's own paper or weights use"),
        ("input of one family", "another", 11.5, "any other input that is in use"),
        ("variant of one family", "shared", 0.05, "its authors count their own networks in one way"),
        ("variant of one family", "usual", 9.0, "and seldom one of them in the frameworks'"),
        ("variant of one family", "another", 9.5, "or in any other"),
        ("variant that is said", "shared", 0.01, "a row that names its variant is of that"),
        ("variant that is said", "usual", 15.0, "and another only by an error, in its name or its number"),
        ("variant that is said", "another", 15.5, "or in any other"),
        ("knob", "own", 0.06, "a network is what its name says"),
        ("knob", "another", 8.0, "a setting that nobody states"),
        ("knob", "auxiliary heads", 5.5, "a row with the parameters of training, and the operations of inference"),
        ("knob", "auxiliary heads at work", 7.0, "a row with both of training"),
        ("knob", "an edit", 9.5, "another structure than its name says: one of some sixty changes"),
        ("knob", "two edits", 11.5, "two such changes at once"),
        ("inputs", "own", 0.1, "a table is at its networks' inputs"),
        ("inputs", "another", 5.0, "all rows are at one other input"),
        ("input", "shared", 0.12, "a row is at the table's input"),
        ("input", "published", 4.0, "an input that the network's own paper or weights use"),
        ("input", "another", 7.0, "any other input, of some thirty that are in use"),
        ("classes", "own", 0.1, "a table counts ImageNet's classes, or its own data's"),
        ("classes", "common", 5.0, "the classes of another data set, once for the table"),
        ("classes", "another", 6.0, "any other number, which is told in its own bits"),
        ("classes of a row", "shared", 0.05, "a table is about one data set"),
        ("classes of a row", "another", 6.0, "a row of another data set"),
        ("row", "known", 0.05, "the network is one of ours"),
        ("row", "unknown", 5.0, "a network of this name that nobody here knows"),
        ("row of one family", "known", 0.01, "one of a family's networks, of which the table has no others"),
        ("row of one family", "unknown", 10.0, "a network of the family that nobody here knows"),
        ("row of a network", "known", 0.01, "a row inside a network of ours"),
        ("row of a network", "unknown", 11.0, "a layer that is not as the network's other rows say"),
        ("of one making", "printed", 0.07, "nineteen of twenty numbers"),
        ("of one making", "wrong", 5.0, "an error in print"),
        ("of one making", "another rule", 9.0, "counted otherwise than the rest, some per cent from one of our counts"),
        ("of one making", "another source", 10.5, "of another making, at any distance"),
        ("of one making", "nearly our rule", 6.5, "a rule or a model of its own that differs in a detail"),
        ("of several sources", "printed", 0.6, "two of three numbers"),
        ("of several sources", "wrong", 3.7, "an error in print"),
        ("of several sources", "another rule", 3.2, "counted as nobody here knows, but near a count of ours"),
        ("of several sources", "quoted", 5.6, "as the network's own paper prints it, whatever that counts"),
        ("of several sources", "another source", 4.5, "of another making, at any distance"),
        ("of several sources", "nearly our rule", 3.5, "a rule or a model of its own that differs in a detail"),
        ("careless", "printed", 1.0, "as many right numbers"),
        ("careless", "wrong", 1.4, "as errors"),
        ("careless", "another rule", 4.5, "counted as nobody here knows"),
        ("careless", "another source", 5.0, "of another making"),
        ("careless", "nearly our rule", 5.0, "a rule or a model of its own that differs in a detail"),
        ("slip", "none of these", 1.0, "a number as it stands"),
        ("slip", "the last digit", 2.5, "rounded where the others are cut, or not at all"),
        ("slip", "a digit", 2.7, "one digit for another"),
        ("slip", "two digits swapped", 5.0, "24.5 for 25.4"),
        ("slip", "the scale", 5.0, "M for G, or the point at another place"),
        ("slip", "a factor of 2", 5.0, "FLOPs among MACs"),
        ("slip", "another row", 5.5, "the number of a row beside"),
        ("slip", "two rows swapped", 5.0, "the numbers of two rows, each at the other's: both of them together"),
        ("slip", "another column", 6.0, "params for operations"),
        ("last zeros", "one", 3.3, "one number of ten ends in a zero that is meant"),
        ("last zeros", "more", 1.6, "each such number says besides how many of its digits are meant"),
    )
)
"""Every price. Calibrated on the tables under tests/data whose truth is known."""

_OF = {(price.factor, price.assumption): price.bits for price in PRICES}


@cache
def bits(factor: str, assumption: str, among: int = 1) -> float:
    """The price of an assumption, one of so many that share it."""
    return _OF[factor, assumption] + log2(among)


USUAL_TOOLS = ("fvcore", "thop", "ptflops", "ptflops-0.6", "thop-0.0.31", "fvcore-functional")
USUAL_VARIANTS = ("v1.5", "torchvision", "timm", "bn", "B")
"""Variants that tables mean without saying so: what torchvision, timm and the usual repositories build."""
COMMON_CLASSES = (2, 10, 20, 21, 80, 100, 101, 200, 365, 1000, 1001, 21_841, 21_843)
PUBLISHED_INPUTS = {
    "mobilenet_v1": (128, 160, 192),
    "mobilenet_v2": (96, 128, 160, 192),
    "mobilenet_v3": (128, 160, 192, 256),
    "resnet": (192, 256, 288, 320),
    "resnet_v2": (299,),
    "resnext": (256, 288, 320),
    "senet": (256, 288, 320),
    "googlenet": (229,),
    "bn_inception": (229,),
    "alexnet": (224, 227),
    "squeezenet": (224, 227),
    "inception_v3": (299, 300),
    "efficientnet": (224, 240, 260, 300, 380, 456, 528, 600),
    "densenet": (288,),
}
"""Sides of the inputs that a family's own papers, releases and weights use beside each network's own, by spec."""
_OF_720P = ((360, 640), (240, 426), (180, 320))
PUBLISHED_SHAPES = {
    **dict.fromkeys(("fpn", "retinanet"), ((800, 1280),)),  # MMDetection's get_flops, since DETR
    **dict.fromkeys(("edsr", "rcan", "wdsr", "fsrcnn"), _OF_720P),  # of what is enlarged to 1280x720, since CARN
    "srcnn": ((720, 1280),),
    **dict.fromkeys(("slowfast", "x3d"), ((256, 256),)),  # their papers test views of 256 and train on 224
}
"""Heights and widths of the inputs that they use, where these are not square or not of images."""


NEAR = 0.08
"""As far from a count of ours, as a part of it, a count by another rule may be."""


DETAIL = 400
"""Of so many units of the last digit, a detail of a rule changes one: in shorter numbers it is seldom seen."""


WITHIN = 0.3
"""As far from its count, as a part of it, an ordinary number that is not ours is."""
TAIL = 2.0
"""Bits for each doubling of the distance beyond that, of logarithms: the further off, the rarer are such numbers."""
ASTRAY = 4.0
"""What an error in print that is off by three times or more is as dear as: a digit or a point at a wrong place."""
FURTHEST = 7.0
"""What is more than ten times off is as dear: nobody knows how it came about."""


def raw(digits: int, within: float = WITHIN) -> float:
    """The bits that print a number as it stands: which of the values of that many digits within 30 % of it."""
    return log2(max(1.0, 2 * within * digits))


def distances(value: int, counts: Any) -> Any:
    """The bits by which a number is dearer than one within 30 % of its count: an array like `counts`, none below 1."""
    import numpy as np

    off = abs(np.log(max(1, value)) - np.log(np.maximum(1, np.asarray(counts, dtype="float64"))))
    return np.where(
        np.asarray(counts) > 0, np.minimum(FURTHEST, TAIL * np.log2(np.maximum(1.0, off / log(1 + WITHIN)))), np.inf
    )


def number(value: int) -> float:
    """The bits of a whole number above 0 of which nothing is known (Elias' gamma code)."""
    return 2 * int(log2(value)) + 1
