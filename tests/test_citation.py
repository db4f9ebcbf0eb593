"""References: every key is known, every entry is whole, CITATION.cff names the same papers."""

import inspect
import re
from pathlib import Path

import pytest

import jaxdiode as jd
from jaxdiode.bibliography import _VERBS, entries
from jaxdiode.core.parameters import AbstractParameters

ROOT = Path(__file__).resolve().parents[1]
ARXIV = {"2512.14909", "2602.24198", "2501.12232", "2505.00085", "2501.01501"}


def classes(base=AbstractParameters):
    for cls in base.__subclasses__():
        yield cls
        yield from classes(cls)


def test_every_key_is_known():
    [getattr(jd, name) for name in dir(jd)]
    keys = {key for cls in classes() if cls.__module__.startswith("jaxdiode") for key in cls.papers}
    assert {"gibbons2025", "yerin2026", "schulz2025", "shaffer2025", "banerjee2025"} <= keys
    assert keys | {key for names in _VERBS.values() for key in names} <= set(entries())


def test_every_entry_is_whole():
    text = (ROOT / "jaxdiode" / "references.bib").read_text(encoding="utf-8")
    assert len(entries()) == text.count("\n@") + 1
    for key, entry in entries().items():
        assert entry.count("{") == entry.count("}"), key
        fields = dict(re.findall(r"(\w+) = \{(.*?)\}(?:,|$)", entry, re.MULTILINE))
        assert {"author", "title", "year"} <= set(fields), key
        assert fields["year"] in key, key


@pytest.mark.parametrize("verb", sorted(_VERBS))
def test_verbs_are_public_functions(verb):
    places = (jd, jd.wire, jd.inverse)
    assert any(callable(getattr(place, verb, None)) for place in places) or verb == "inverse"


def test_every_function_of_a_device_can_be_cited():
    """Those that take a device first; what makes or files one is no method."""
    functions = {
        name: getattr(jd, name) for name in dir(jd) if inspect.isfunction(getattr(jd, name))
    }
    takes = {
        n
        for n, f in functions.items()
        if next(iter(inspect.signature(f).parameters), "") == "device"
    }
    files = {"citation", "replace", "parameter_names"}
    assert {"critical_currents", "iv_curve", "thermal_iv"} <= takes
    assert takes - files <= set(_VERBS), takes - files - set(_VERBS)


def test_parts_count_once_and_own_papers_are_taken():
    class Mine(jd.AbstractPhaseBiased):
        papers = ("@misc{me2026,\n  title = {Mine},\n}",)

        def current(self, phase):
            return 0.0 * phase

    squid = jd.Squid([jd.AndreevModes(300.0, 0.6), Mine()], flux=[0.3])
    text = jd.citation(jd.Shunted(squid, damping=0.5), "fit", jd.fit)
    found = re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE)
    assert "me2026" in found
    assert found[:4] == ["stewart1968", "mccumber1968", "gibbons2025", "beenakker1991"]
    assert len(found) == len(set(found))


@pytest.mark.usefixtures("unchecked")
def test_errors():
    with pytest.raises(ValueError, match="device must be a jaxdiode device, got float"):
        jd.citation(1.0)
    with pytest.raises(ValueError, match=r"verbs must be among .*got 'dance'"):
        jd.citation(jd.TunnelJunction(1.0), "dance")


def test_citation_file():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {jd.__version__}\n" in text
    assert set(re.findall(r"arXiv:(\d{4}\.\d{5})", text)) == ARXIV
    known = "\n".join(entries().values())
    assert all(number in known for number in ARXIV)
