"""Claims that no count reaches, and networks of which parts take no input."""

import convcost
from convcost.cli import run


def test_a_number_beyond_all_counts_is_no_overflow(tmp_path, capsys):
    table = tmp_path / "huge.csv"
    table.write_text("Model,Params,MACs\nresnet18,11.69M,99999999999999999999999999\nresnet34,21.8M,3.68G\n")
    verdicts = [one.verdict for one in convcost.audit(table).findings]
    assert verdicts[0] == verdicts[2] == "holds"
    assert verdicts[1] not in ("holds", "holds as")
    assert run(["reconcile", "resnet50", "--macs", "9" * 32]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_blocks_with_learned_tensors_are_left_out_whole():
    """Swin's have tables of relative positions, which take nothing."""
    found = convcost.reconcile("Swin-T has 28M parameters and 5.4 GFLOPs")
    assert not found.explained
    assert convcost.reconcile("Swin-T has 28,288,354 parameters and 4,490,566,656 MACs").explained
