r"""LaTeX projects: folders and archives of sources, \input, macros; and hostile ones."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zipfile

import pytest
from rawtables import TABULAR, places, read, texts

from convcost.errors import ConvcostError
from convcost.files import archives
from convcost.tablefiles.reading import read_found, read_table, tables_in

MAIN = r"""\documentclass{article}
\usepackage{mine}
\newcommand{\net}[2][50]{Net-#1#2}
\begin{document}
% \input{never}
\input{tables/first}
\include{second}
\end{document}
"""
PROJECT = {
    "main.tex": MAIN,
    "mine.sty": "\\newcommand{\\G}{\\,G}\n\\def\\best#1{\\textbf{#1}}\n",
    "tables/first.tex": TABULAR % "\nNet & MACs \\\\ \\midrule\n\\input{tables/rows}\n",
    "tables/rows.tex": "\\net{a} & \\best{4.2}\\G \\\\\n\\net[18]{} & 1.8\\G \\\\\n",
    "second.tex": TABULAR % r"a & b \\ 1 & 2 \\",
    "notes.tex": TABULAR % r"not & input \\ 1 & 2 \\",
}


def tarred(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["folder", "main", ".tar.gz", ".tgz", ".zip"])
def test_a_project_is_read_as_tex_reads_it(tmp_path, kind):
    path = tmp_path / f"paper{kind if kind.startswith('.') else ''}"
    if kind.startswith("."):
        path.write_bytes(zipped(PROJECT) if kind == ".zip" else tarred(PROJECT))
    else:
        for name, text in PROJECT.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
    source = path / "main.tex" if kind == "main" else path
    first, second = (read_found(str(source), found) for found in tables_in(source))
    assert texts(first) == [["Net-50a", "4.2 G"], ["Net-18", "1.8 G"]]
    assert first.rows[1].cells[1].place == f"{path}/tables/rows.tex:2:14"
    assert second.place == f"{path}/second.tex:1"


def test_what_arxiv_calls_by_its_number_is_recognised(tmp_path):
    for name, data in (
        ("1512.03385", tarred(PROJECT)),
        ("1512.03385v1", gzip.compress(PROJECT["second.tex"].encode())),
    ):
        (tmp_path / name).write_bytes(data)
        assert tables_in(tmp_path / name)


def test_without_a_main_file_each_is_read(tmp_path):
    (tmp_path / "a.tar").write_bytes(
        gzip.decompress(tarred({name: PROJECT[name] for name in ("notes.tex", "second.tex")}))
    )
    assert [found.place.source[-10:] for found in tables_in(tmp_path / "a.tar")] == ["/notes.tex", "second.tex"]
    (tmp_path / "a.gz").write_bytes(gzip.compress(PROJECT["second.tex"].encode()))  # as arXiv packs a single file
    assert texts(read_table(tmp_path / "a.gz")) == [["1", "2"]]


@pytest.mark.parametrize(
    ("definitions", "cell", "text"),
    [
        (r"\newcommand{\m}{25.6}", r"\m", "25.6"),
        (r"\newcommand\m[1]{#1M}", r"\m{25.6}", "25.6M"),
        (r"\newcommand{\m}[1]{#1M}", r"\m 4", "4M"),
        (r"\def\m#1#2{#2#1}", r"\m{M}{25}", "25M"),
        (r"\newcommand{\m}{\n}\newcommand{\n}{7}", r"\m", "7"),
        (r"\newcommand{\m}{1}\renewcommand{\m}{2}", r"\m", "2"),
        (r"\newcommand{\up}[1]{\textsuperscript{#1}}", r"25.6\up{1}", "25.6^1"),
        (r"\newcommand{\m}{\ifx\a\b 1\else 2\fi}", r"\m", r"\m"),  # not simple: as it is written
        (r"% \newcommand{\m}{1}", r"\m", r"\m"),
        (r"\newcommand{\m}[2]{#1#2}", r"\m{1}", r"1"),  # an argument that is not there
    ],
)
def test_simple_macros_are_replaced(tmp_path, definitions, cell, text):
    table = read(tmp_path, ".tex", definitions + "\n" + TABULAR % rf"a & b \\ x & {cell} \\")
    assert texts(table) == [["x", text]]


def test_places_stay_where_they_are_behind_a_macro(tmp_path):
    table = read(
        tmp_path, ".tex", "\\newcommand{\\m}{a very long name}\n" + TABULAR % "a & b & c \\\\\n\\m & \\m & 1 \\\\\n"
    )
    assert places(table) == [["3:1", "3:6", "3:11"]]


def test_what_is_not_there_is_named_and_nothing_outside_is_read(tmp_path):
    (tmp_path / "secret.tex").write_text(TABULAR % r"a & b \\ 1 & 2")
    paper = tmp_path / "paper"
    paper.mkdir()
    (paper / "link.tex").symlink_to(tmp_path / "secret.tex")
    for name in ("../secret", "link", str(tmp_path / "secret"), "nothing"):
        (paper / "main.tex").write_text(
            rf"\documentclass{{article}} \input{{{name}}} " + TABULAR % rf"a & b \\ \input{{{name}}}"
        )
        (found,) = tables_in(paper / "main.tex")
        with pytest.raises(ConvcostError, match=r"main\.tex:1:\d+: \\input is not read"):
            read_found("paper", found)


def test_sources_that_input_each_other_or_grow_end(tmp_path):
    (tmp_path / "a.tex").write_text(r"\input{b}\input{b}")
    (tmp_path / "b.tex").write_text(r"\input{a}" + TABULAR % r"a & b \\ 1 & 2 \\")
    assert len(tables_in(tmp_path / "a.tex")) == 2
    for number in range(12):
        (tmp_path / f"g{number}.tex").write_text(rf"\input{{g{number + 1}}}" * 8)
    (tmp_path / "g12.tex").write_text("x" * 8)
    start = time.process_time()
    with pytest.raises(ConvcostError):
        tables_in(tmp_path / "g0.tex")
    assert time.process_time() - start < 20
    bomb = "".join(
        rf"\newcommand{{\m{a}}}{{\m{b}\m{b}}}"
        for a, b in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
    )
    with pytest.raises(ConvcostError, match="the table is too large"):
        read(tmp_path, ".tex", bomb + TABULAR % r"a & b \\ \ma & 1 \\")
    with pytest.raises(ConvcostError, match="the table is too large"):
        read(tmp_path, ".tex", r"\newcommand{\m}{\m}" + TABULAR % r"a & b \\ \m & 1 \\")


def hostile_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, kind in (("l.tex", tarfile.SYMTYPE), ("h.tex", tarfile.LNKTYPE), ("p.tex", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        for name in ("/etc/a.tex", "../b.tex", "x/../../c.tex", "C:/d.tex", "..\\e.tex"):
            entry = tarfile.TarInfo(name)
            entry.size = 1
            archive.addfile(entry, io.BytesIO(b"x"))
    return file.getvalue()


def test_links_and_paths_outside_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert archives.members(hostile_tar(), "t", lambda _: True) == {}
    (tmp_path / "t.tgz").write_bytes(hostile_tar())
    with pytest.raises(ConvcostError, match=r"t\.tgz: no LaTeX source in it"):
        tables_in("t.tgz")
    assert [path.name for path in tmp_path.iterdir()] == ["t.tgz"]


@pytest.mark.parametrize("kind", [".tgz", ".zip", ".gz"])
def test_bombs_end_at_the_limit(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1 << 20)
    files = {"a.tex": "x" * (3 << 20)}
    data = zipped(files) if kind == ".zip" else tarred(files) if kind == ".tgz" else gzip.compress(b"x" * (3 << 20))
    (tmp_path / f"t{kind}").write_bytes(data)
    with pytest.raises(ConvcostError, match="unpacks to more than"):
        tables_in(tmp_path / f"t{kind}")


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"\x1f\x8b", b"x" * 2000, tarred(PROJECT)[:-40], zipped(PROJECT)[:-40]]
)
def test_broken_archives_are_one_line(tmp_path, data):
    for suffix in (".zip", ".tar.gz"):
        (tmp_path / f"t{suffix}").write_bytes(data)
        with pytest.raises(ConvcostError) as error:
            tables_in(tmp_path / f"t{suffix}")
        assert "\n" not in str(error.value)
