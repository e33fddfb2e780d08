"""PDFs: tables by their rules and the words' positions, and what is unsure, encrypted, scanned or hostile."""

from __future__ import annotations

import io
import sys
import zlib

import pytest
from fpdf import FPDF
from pdfs import LEFT, RIGHT, Paper
from PIL import Image
from rawtables import read, texts

from convcost.errors import ConvcostError, MissingExtraError
from convcost.published.usertable import read_claims
from convcost.tablefiles import pdfpages
from convcost.tablefiles.reading import read_found, tables_in


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """Two columns of words with tables in both, of which the right ones have one width; and a second page."""
    paper = Paper()
    paper.words(LEFT, "Words of the left column, which go on and on: 25.6", 12)
    paper.words(RIGHT, "Table 1: Results.")
    paper.table(
        RIGHT,
        [
            ["Model", "Params (M)", "FLOPs"],
            ["ResNet-18", "11.7", ["1.8 x 10", "9"]],
            ["ResNet-50", ["25.6", "1"], ["3.8 x 10", "9"]],
            [["VGG-16", "a"], ["138.4", "*"], "-"],
        ],
    )
    paper.words(RIGHT, "Table 2: Others.")
    paper.table(RIGHT, [["Model", "Top-1", "Top-5"], ["VGG-16", "71.5", "90.1"]])
    paper.table(LEFT, [["Net", "MACs (M)"], ["MobileNetV2 (1.0)", "301"], ["MobileNetV2 0.75", "209"]], ruled=True)
    paper.words(LEFT, "Words of the left column, which go on and on: 25.6", 12)
    paper.page()
    paper.table(
        LEFT,
        [["Depth", "Params", "MACs", "Params", "MACs"], ["18", "11.7", "1.8", "11.8", "1.8"]],
        over=[(1, 2, "ResNet"), (3, 4, "SE-ResNet")],
    )
    path = tmp_path_factory.mktemp("pdf") / "paper.pdf"
    path.write_bytes(paper.bytes())
    return path, tables_in(path)


def table(paper, number):
    return read_found(str(paper[0]), paper[1][number])


def test_booktabs_beside_words_of_another_column(paper):
    assert len(paper[1]) == 4
    first = table(paper, 0)
    assert first.columns == ("Model", "Params (M)", "FLOPs")
    assert first.rows[0].cells[1].place == f"{paper[0]} page 1:2"
    assert table(paper, 1).columns == ("Model", "Top-1", "Top-5")


def test_a_number_beside_a_smaller_digit_is_never_taken_plainly(paper):
    """3.8 x 10 with a raised 9 is 3.8e9; 25.6 with a footnote's 1 is no number, and 138.4 with a star is one."""
    claims = read_claims(table(paper, 0))
    assert {(one.row, one.text): one.printed.value() for one in claims.claims} == {
        ("ResNet-18", "11.7"): 11_700_000,
        ("ResNet-18", "1.8 x 10^9"): 1_800_000_000,
        ("ResNet-50", "3.8 x 10^9"): 3_800_000_000,
        ("VGG-16^a", "138.4*"): 138_400_000,
    }
    assert [(one.row, one.text) for one in claims.unread] == [("ResNet-50", "25.6^1")]


def test_all_rules_and_headings_over_two_columns(paper):
    ruled, grouped = table(paper, 2), table(paper, 3)
    assert texts(ruled) == [["MobileNetV2 (1.0)", "301"], ["MobileNetV2 0.75", "209"]]
    assert grouped.columns == ("Depth", "ResNet / Params", "ResNet / MACs", "SE-ResNet / Params", "SE-ResNet / MACs")
    assert grouped.rows[0].cells[4].place == f"{paper[0]} page 2:3"


BOXED = (
    ("Model", "Input", "Params (M)", "FLOPs (G)", "Top-1 (%)"),
    ("ResNet-50", "224", "25.6", "3.9", "76.1"),
    ("MobileNet V2", "224", "3.5", "0.30", "72.0"),
    ("VGG-16", "224", "138.4", "15.5", "71.6"),
)


@pytest.mark.parametrize("align", ["L", "C", "R"])
def test_every_cell_in_a_box_of_its_own(tmp_path, align):
    """Rules of boxes side by side overlap by their width, and each is drawn twice."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=9)
    for row in BOXED:
        for width, cell in zip((40, 20, 25, 25, 25), row, strict=True):
            pdf.cell(width, 6, cell, border=1, align=align)
        pdf.ln()
    path = tmp_path / "boxed.pdf"
    pdf.output(str(path))
    (found,) = tables_in(path)
    raw = read_found(str(path), found)
    assert raw.columns == BOXED[0]
    assert texts(raw) == [list(row) for row in BOXED[1:]]


def test_pages_are_chosen(paper):
    assert [found.place.source[-7:] for found in tables_in(paper[0], pages="2")] == [" page 2"]
    with pytest.raises(ConvcostError, match=r"paper\.pdf: no page 3, it has 2"):
        tables_in(paper[0], pages="1-3")
    for pages in ("0", "3-2", "a", "", "1,"):
        with pytest.raises(ConvcostError, match="write pages such as 5, 3-5 or 3-5,8"):
            tables_in(paper[0], pages=pages)


def encrypted():
    paper = Paper()
    paper.table(LEFT, [["a", "b"], ["1", "2"]])
    paper.pdf.set_encryption("owner", "user")
    return paper.bytes()


def scanned():
    paper = Paper()
    picture = io.BytesIO()
    Image.new("L", (20, 20), 255).save(picture, "PNG")
    paper.pdf.image(picture, 10, 10, 100)
    return paper.bytes()


def wordy():
    paper = Paper()
    paper.words(LEFT, "Only words", 3)
    return paper.bytes()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (encrypted(), "the PDF is encrypted; save a copy without its password"),
        (scanned(), "its pages are pictures, as of a scan: make its text readable"),
        (wordy(), "no table with rules, or with numbers under headings; paste"),
        (b"%PDF-1.4\nnothing", "not readable as a PDF: "),
        (b"", "not readable as a PDF: "),
    ],
    ids=["encrypted", "scanned", "words", "broken", "empty"],
)
def test_what_is_no_table_is_one_line_with_what_to_do(tmp_path, data, said):
    with pytest.raises(ConvcostError) as error:
        read(tmp_path, ".pdf", data)
    assert str(error.value).startswith(f"{tmp_path / 't.pdf'}: {said}")
    assert "\n" not in str(error.value)


def blanks(megabytes: int) -> bytes:
    """So many megabytes of blanks, packed by packing one of them."""
    packer, megabyte = zlib.compressobj(9), b" " * (1 << 20)
    first, other = (packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    checksum = 1
    for _ in range(megabytes):
        checksum = zlib.adler32(megabyte, checksum)
    return first + other * (megabytes - 1) + b"\x03\x00" + checksum.to_bytes(4, "big")


def with_content(packed: bytes) -> bytes:
    """A PDF of one page with this content."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F %s>>>>>>" % font
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page,
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed),
    ]
    whole, starts = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        starts.append(len(whole))
        whole += b"%d 0 obj%s endobj\n" % (number, one)
    rows = b"".join(b"%010d 00000 n \n" % start for start in starts)
    tail = b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        rows,
        len(whole),
    )
    return whole + tail


def test_a_bomb_ends_within_its_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(pdfpages, "MEGABYTES", 150)
    assert zlib.decompress(blanks(3)) == b" " * (3 << 20)
    with pytest.raises(ConvcostError, match="not read within 150 MB of memory; choose some of its pages"):
        read(tmp_path, ".pdf", with_content(blanks(200)))


def test_what_takes_long_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(pdfpages, "SECONDS", 2)
    with pytest.raises(ConvcostError, match="not read within 2 seconds; choose some of its pages with --pages"):
        read(tmp_path, ".pdf", with_content(zlib.compress(b"BT /F 9 Tf (a) Tj ET\n" * 400_000)))


def test_a_page_of_more_than_tables_costs_no_other(tmp_path):
    """Rules by the thousand, as drawings have them."""
    lines = b"".join(b"%d %d m %d %d l S\n" % (n % 97, n % 701, 300 + n % 89, n % 701) for n in range(4_100))
    path = tmp_path / "t.pdf"
    path.write_bytes(with_content(zlib.compress(b"BT /F 9 Tf (a) Tj ET\n" + lines)))
    (found,) = tables_in(path)
    with pytest.raises(ConvcostError, match=r"t\.pdf page 1:1: more than 10,000 words or 4,000 rules"):
        read_found(str(path), found)


def test_without_pypdfium2_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    monkeypatch.setattr(pdfpages, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pypdfium2 is needed .*pip install 'convcost\[pdf\]'"):
        read(tmp_path, ".pdf", b"%PDF-1.4")
