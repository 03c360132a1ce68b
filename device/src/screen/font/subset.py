#!/usr/bin/env python3
"""Makes the screen's fonts out of Noto Sans and Noto Sans CJK. README.md beside this file says how it is called."""

import argparse
import re
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[3]

# The face of the collection that draws Chinese as it is written in Taiwan.
FACE = "Noto Sans CJK TC"


def ranges(*pairs):
    return {code for first, last in pairs for code in range(first, last + 1)}


def latin():
    """ASCII, Latin-1, Latin Extended-A, and what is beside them in shops' texts."""
    letters = ranges((0x20, 0x7E), (0xA0, 0x17F), (0x218, 0x21B), (0x1E9E, 0x1E9E))
    punctuation = ranges((0x2010, 0x2027), (0x202F, 0x203A), (0x2044, 0x2044))
    signs = ranges((0x20A0, 0x20BF), (0x2150, 0x215E), (0x2190, 0x2193)) | {ord(sign) for sign in "℃№℗℠™Ω−≠≤≥●○■□★☆✓♥"}
    return letters | punctuation | signs


def chinese_punctuation():
    return ranges((0x3000, 0x3020), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE6))


def big5_level_1():
    """The 5,401 frequent characters of Big5."""
    codes = set()
    for high in range(0xA4, 0xC7):
        for low in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]:
            if (high, low) <= (0xC6, 0x7E):
                codes.add(ord(bytes([high, low]).decode("big5")))
    return codes


def our_own():
    """Every character of our texts and of the names of categories."""
    files = [*(REPOSITORY / "device/src/words/strings").glob("*.toml"), *(REPOSITORY / "shared/taxonomies").glob("*.toml")]
    text = "".join(file.read_text("utf-8") for file in files if file.is_file())
    return {ord(letter) for letter in re.sub(r"[\x00-\x1f]", "", text)}


def face(file):
    """The font in a file, or the face of a collection that is ours."""
    if file.suffix == ".ttc":
        return next(font for font in TTCollection(file, lazy=True, recalcTimestamp=False).fonts if font["name"].getBestFamilyName() == FACE)
    return TTFont(file, lazy=True, recalcTimestamp=False)


def make(file, codes, target):
    """The subset of a font, and which characters are in it."""
    font = face(file)
    options = Options()
    options.layout_features = []
    options.hinting = False
    options.name_IDs = [0, 1, 2, 5, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "DSIG", "VORG", "vhea", "vmtx"]
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    font.save(target)
    there = set(font.getBestCmap())
    print(f"{target.name}: {len(font.getGlyphOrder())} glyphs, {len(there)} characters, {target.stat().st_size} bytes")
    return there


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("latin", type=Path, help="folder with NotoSans-Regular.ttf and NotoSans-Bold.ttf")
    arguments.add_argument("chinese", type=Path, help="folder with NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc")
    folders = arguments.parse_args()
    own = latin() | chinese_punctuation() | our_own()
    for weight, more in [("Regular", big5_level_1()), ("Bold", set())]:
        there = make(folders.latin / f"NotoSans-{weight}.ttf", latin(), HERE / f"latin-{weight.lower()}.ttf")
        wanted = (own | more) - there
        missing = wanted - make(folders.chinese / f"NotoSansCJK-{weight}.ttc", wanted, HERE / f"chinese-{weight.lower()}.otf")
        print("  in neither:", " ".join(f"U+{code:04X}" for code in sorted(missing)) or "none")


main()
