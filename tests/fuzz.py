"""Mutated device files, measurements, partial sweeps and command lines, and what must come of them.

Every case follows from its seed alone. `outcome` runs the command line in this process.
"""

import contextlib
import io
import pickle
import re
import shutil
import string
import sys
import tomllib
from pathlib import Path

import numpy as np

from jaxdiode import cli
from jaxdiode.devices import SYSTEMS
from jaxdiode.files import device_file

# Words of other libraries and of Python, which say nothing to a user.
FOREIGN = re.compile(
    r"unexpected |Traceback|jax\b|jnp|numpy|ShapedArray|<class|object has no|not iterable|"
    r"invalid literal|could not convert|unsupported operand|not subscriptable|unhashable|"
    r"positional argument|keyword argument|broadcast|BadZip|Errno|codec can't|0x[0-9a-f]{6}"
)


def outcome(*arguments):
    """(exit code, stdout, stderr); what is no exit is raised."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["jaxdiode", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


def complaint(code, err):
    """What is wrong with an answer, or nothing: exit code 0 or 2, then one sentence."""
    notes = ("sweep: ", "jaxdiode: warning: ")
    lines = [line for line in err.splitlines() if not line.startswith(notes)]
    if code == 0:
        return f"exit code 0 and on stderr: {lines}" if lines else ""
    if code != 2:
        return f"exit code {code}: {lines}"
    if len(lines) != 1 or not lines[0].startswith("jaxdiode: error: "):
        return f"not one sentence: {lines}"
    text = lines[0].removeprefix("jaxdiode: error: ")
    if len(text) > 700 or not text.isprintable():
        return f"not a sentence: {text!r}"
    return f"another library's words: {text}" if FOREIGN.search(text) else ""


def snapshot(folder: Path):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _parses(text):
    try:
        return bool(tomllib.loads(text))
    except ValueError:
        return False


# ---- Device files

VALUES = [
    "-1", "0", "1", "2", "3.5", "-0.0", "1e300", "-1e300", "1e-300", "1e400", "nan", "-inf", "inf",
    "9" * 30, "9" * 400, "true", "false", '"text"', '""', '"é\\n"', "[]", "[[]]", "[1]", "[1, 2]",
    "[1, 2, 3, 4]", "[[1, 2], [3, 4]]", "[[1, 2], 3]", "[true]", '["a"]', "[nan]", "[[[1]]]",
    "{}", "{ a = 1 }", '{ type = "TunnelJunction" }', '{ type = "Squid" }', "1979-05-27",
    '{ type = "TunnelJunction", critical_current = 1 }', "07:32:00", '[{ type = "Gate" }]',
    "{ start = 0, stop = 1, points = 3 }", '{ start = "a", stop = 1, points = 3 }',
    "{ start = 0, stop = 1, points = 1e9 }", "{ start = 0, stop = 1, points = 100000000000 }",
    "{ start = nan, stop = 1, points = 3 }", "[0, 1]", "[1, 0]", "[-1, 1e9]", "[0, inf]",
    '{ type = "GateMap", voltage = [0, 1], critical_current = [1, 2] }', '["flux"]', '[["flux"]]',
    '"flux"', '[["flux", 1]]', '"1"', '["0", "1"]', "[1e308, 1e308]", "18446744073709551616",
]  # fmt: skip
KEYS = [
    "type", "flux", "pairs", "branches", "inductance", "sine", "ties", "starts", "turns", "sigma",
    "offset", "bounds", "unknown", '""', '"flux.0"', '"branches.*"', '"*"', '"é"', '"flux."',
    "critical_current", "criterion", "resolution", "left", "steps", "rounds", "mutual_inductance",
]  # fmt: skip
SECTIONS = ["device", "bounds", "design", "sweep", "fit", "device.left", "device.resolution",
            "shunt", "drive", "unit", "extra", "device.branches", "[device]", "[sweep]",
            "fit.bounds"]  # fmt: skip
SMALL = [
    '[device]\ntype = "Harmonics"\nsine = [1.0, 0.1]\ncosine = [0.0, 0.2]\n'
    '[bounds]\n"cosine.1" = [0.0, 1.0]\n[design]\nstarts = 4\n'
    '[sweep]\n"cosine.1" = { start = 0, stop = 1, points = 5 }\n',
    '[device]\ntype = "Squid"\nflux = [0.1]\nbranches = [\n'
    '  { type = "TunnelJunction", critical_current = 3.0 },\n'
    '  { type = "AndreevModes", amplitude = [1.0], transparency = [0.9] },\n]\n'
    "[bounds]\nflux = [0, 1]\n[sweep]\nflux = [0.0, 0.5]\n"
    "[fit]\nturns = [1.0]\noffset = 0.0\nsigma = 0.1\nmutual_inductance = [0.1]\n"
    "bounds = { turns = [0.5, 2.0] }\n",
    '[device]\ntype = "SeriesJunctions"\nfirst = 2.0\nsecond = { type = "Gate", voltage = 0.5,'
    ' map = { type = "GateMap", voltage = [0, 1], critical_current = [1, 2] } }\n'
    "[bounds]\nfirst = [1, 3]\n[sweep]\nfirst = [1.0, 2.0]\n",
    '[device]\ntype = "CoilBiasedSquid"\nturns = [1.0]\noffset = 0.1\n[device.squid]\n'
    'type = "Squid.from_pairs"\npairs = [[1, 2], [3, 4]]\nflux = [0.1]\n',
    '[device]\ntype = "KapitzaJunction.gated_squid"\nmean_current = 1e-8\ndrive_current = 8e-9\n'
    "static_current = 1e-8\nfrequency = 2.6e9\nflux = 0.25\n[device.scale]\n"
    'type = "CircuitScale"\ncritical_current = 1e-8\ncapacitance = 1e-12\nresistance = 360\n',
    '[device]\ntype = "AndreevInterferometer.from_si"\nlength = 1e-6\ninterface_distance = 9e-7\n'
    "diffusion = 0.01\nconductance = 0.1\ntransparency = 0.3\nvoltage = 3e-6\ntemperature = 0.05\n",
]


def devices():
    """Every example, with the options that it comments out too, and small files."""
    for name in (system.name for system in SYSTEMS):
        text = device_file.example(name)
        yield text
        spelt = re.search(r'# type = "[\w.]+"\n(?:# .*\n)+', text)
        if spelt:
            yield "[device]\n" + re.sub("^# ?", "", spelt[0], flags=re.M)
        yield re.sub(r"^# (\[\w|[\w\"]+ *=)", r"\1", text, flags=re.M)
    yield from SMALL


def commands(text):
    """The commands that such a file is for, and now and then another."""
    found = [*COMMANDS]
    for section in ("design", "sweep", "fit"):
        found += [section] * (4 if f"\n[{section}]" in text else 0)
    return found + ["iv"] * (3 if re.search(r'"(KapitzaJ|PhaseSlipW)\w+', text) else 0)


COMMANDS = ("evaluate", "evaluate", "design", "sweep", "fit", "iv")
TEXTS = [text for text in devices() if _parses(text)]


def mutate_text(random, text: str, lines) -> bytes:
    """A few edits: lines by `lines`, or bytes whatever they are."""
    for _ in range(random.choice([1, 1, 1, 1, 2, 3])):
        text = lines(random, text)
    raw = text.encode()
    if random.random() < 0.12 and raw:
        for _ in range(random.choice([1, 1, 3, 20])):
            at = random.randrange(len(raw))
            new = random.choice(
                [b"", bytes([random.randrange(256)]), random.choice(string.printable).encode()]
            )
            raw = raw[:at] + new + raw[at + random.choice([0, 1, 1, 5]) :]
    if random.random() < 0.03:
        raw = random.choice([b"", raw[: len(raw) // 2], b"\xef\xbb\xbf" + raw, b"\xff\xfe" + raw,
                             raw.replace(b"\n", b"\r\n"), b"[" * 3000, bytes(range(256)),
                             b"a=" + b"[" * 900 + b"]" * 900])  # fmt: skip
    return raw


def mutate_toml(random, text: str) -> str:
    rows = text.splitlines()
    at = random.randrange(len(rows))
    kind = random.choice(
        ["value", "value", "value", "value", "key", "drop", "copy", "swap", "add", "section",
         "number", "number", "inner"]
    )  # fmt: skip
    settings = [i for i, row in enumerate(rows) if re.match(r'\s*["\w.*]+ *=', row)] or [at]
    place = random.choice(settings)
    if kind == "value":
        rows[place] = rows[place].partition("=")[0] + "= " + random.choice(VALUES)
    elif kind == "key":
        rows[place] = random.choice(KEYS) + " =" + rows[place].partition("=")[2]
    elif kind == "drop":
        del rows[place]
    elif kind == "copy":
        rows.insert(at, rows[place])
    elif kind == "swap":
        rows[at], rows[place] = rows[place], rows[at]
    elif kind == "add":
        rows.insert(at, f"{random.choice(KEYS)} = {random.choice(VALUES)}")
    elif kind == "section":
        rows.insert(at, f"[{random.choice(SECTIONS)}]")
    elif kind == "number":
        rows[place] = _replace_one(random, r"(?<![\w.])-?\d[\d.e-]*", rows[place], VALUES)
    elif kind == "inner":
        names = ["Squid", "Harmonics", "GateMap", "Gate", "SixHarmonicModel.from_torus", "Status",
                 "PhaseTorus", "AbstractDevice", "sweep", "Squid.from_pairs", "Squid.__init__",
                 "KapitzaJunction", "SixHarmonicModel", "CircuitScale", "UsadelResolution",
                 "AndreevInterferometer", "PhaseSlipWire", "SpinBarrier", "Space"]  # fmt: skip
        rows[place] = re.sub(r'type = "[\w.]+"', f'type = "{random.choice(names)}"', rows[place])
    return "\n".join(rows) + "\n"


def _replace_one(random, pattern, text, values):
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    one = random.choice(found)
    return text[: one.start()] + random.choice(values) + text[one.end() :]


# ---- Measurements

CELLS = ["", "nan", "NaN", "inf", "-9999", "9.9e37", "1e308", "1e400", "-999", "OVLD", "text", "0",
         "1,5", "1.5", "-3", "1_0", "0x10", "5 nA", '"5"', '"', "−2", "1e-320", "9" * 400, "é",
         "TRUE", "#N/A", " 5 ", "5;6", "5,6", "5\t6", "\0", "\x1b[31m"]  # fmt: skip
NAMES = ["coil", "plus", "minus", "Ic", "Ic (+)", "Ic (-)", "plus (uA)", "minus (nA)", "coil (mA)",
         "plus (V)", "plus (µA)", "field", "", "5", "PLUS", "Ic[0]", '"a,b"', "# plus", "a" * 300,
         "I₊", "coil [A]", "\x1b[31m", "plus\n"]  # fmt: skip
TABLES = [
    "coil,plus,minus\n" + "".join(f"{x},{5 + x},{4 - x}\n" for x in range(5)),
    "coil (mA)\tplus (nA)\tminus (nA)\n" + "".join(f"{x}\t{5 + x}\t-{9 - x}\n" for x in range(5)),
    "I_mag;Ic+;Ic-\n" + "".join(f"0,{x};{5 + x},5;{4 - x},25\n" for x in range(4)),
    "# coil plus minus\n" + "".join(f"{x} {5 + x} {4 - x}\n" for x in range(4)),
]
NAMED = ["plus", "minus", "coil", "Ic", "Ic (+)", "PLUS", "", "nothing", "plus (uA)", "é", "-1"]


def mutate_table(random, text: str) -> str:
    rows = text.splitlines() or [""]
    at, other = random.randrange(len(rows)), random.randrange(len(rows))
    delimiter = max("\t;, ", key=rows[0].count)
    cells = rows[at].split(delimiter)
    k = random.randrange(len(cells))
    kind = random.choice(
        ["cell", "cell", "cell", "name", "name", "drop", "copy", "swap", "delimiter", "cut",
         "column", "twice", "scale", "comment", "encoding", "empty"]
    )  # fmt: skip
    if kind == "cell":
        cells[k] = random.choice(CELLS)
        rows[at] = delimiter.join(cells)
    elif kind == "name":
        names = rows[0].split(delimiter)
        names[random.randrange(len(names))] = random.choice(NAMES)
        rows[0] = delimiter.join(names)
    elif kind == "drop":
        del rows[at]
    elif kind == "copy":
        rows.insert(other, rows[at])
    elif kind == "swap":
        rows[at], rows[other] = rows[other], rows[at]
    elif kind == "delimiter":
        new = random.choice([",", ";", "\t", " ", "|", ", "])
        rows = [row.replace(delimiter, new) for row in rows]
    elif kind == "cut":
        rows[at] = rows[at][: random.randrange(len(rows[at]) + 1)]
    elif kind in ("column", "twice"):
        parts = [row.split(delimiter) for row in rows]
        j = random.randrange(len(parts[0]))
        for row in parts:
            if kind == "twice":
                row.append(row[j] if j < len(row) else "")
            elif j < len(row):
                del row[j]
        rows = [delimiter.join(row) for row in parts]
    elif kind == "scale":
        factor = random.choice(["e-9", "e9", "e-300", "e300", "e38"])
        rows = rows[:1] + [re.sub(r"(?<=\d)(?=[,;\t ]|$)", factor, row) for row in rows[1:]]
    elif kind == "comment":
        rows.insert(at, random.choice(["# note", "% note", "//", "#", "note", "#,,,", '"""']))
    elif kind == "empty":
        rows[at] = random.choice(["", delimiter * 2, " ", "\t", ",,,,,"])
    return "\n".join(rows) + "\n"


def encode(random, raw: bytes) -> bytes:
    if random.random() < 0.9:
        return raw
    text = raw.decode("utf-8", "replace")
    return random.choice(
        [text.encode("utf-16"), text.encode("utf-16-le"), text.encode("cp1252", "replace"),
         b"\xef\xbb\xbf" + raw, raw.replace(b"\n", b"\r"), b"\x89PNG\r\n\x1a\n" + raw, b""]
    )  # fmt: skip


# ---- Partial sweeps


def damage(random, partial: Path, foreign: Path) -> tuple[str, str]:
    """Change one file of an unfinished sweep, or put something beside it."""
    files = sorted(p for p in partial.glob("[!.]*.npz") if p.is_file())
    kind = random.choice(
        ["cut", "flip", "flip", "insert", "empty", "remove", "text", "pickle", "swap", "foreign",
         "array", "shape", "notes", "left", "folder", "all", "garbage"]
    )  # fmt: skip
    if not files:
        return ("nothing", "")
    file = random.choice(files)
    raw = file.read_bytes()
    at = random.randrange(len(raw) + 1)
    if kind == "remove":
        file.unlink()
    elif kind == "swap":
        shutil.copy(random.choice(files), partial / "copy")
        (partial / "copy").replace(file)
    elif kind == "foreign":
        shutil.copy(foreign / file.name, file)
    elif kind == "array":
        with file.open("wb") as opened:
            np.save(opened, np.ones(5))
    elif kind == "shape":
        np.savez(file, **{"value plus": np.ones(3), "sweep": np.asarray("x")})
    elif kind == "notes":
        (partial / "notes.txt").write_text("precious")
    elif kind == "left":
        (partial / ".000000000005.npz.0123abcd.npz").write_text("of a killed process")
    elif kind == "folder":
        file.unlink()
        file.mkdir()
        (file / "precious").write_text("precious")
    elif kind == "all":
        for one in files:
            one.write_bytes(one.read_bytes()[:at])
    else:
        file.write_bytes(
            {
                "cut": raw[:at],
                "empty": b"",
                "insert": raw[:at] + random.randbytes(random.choice([1, 7])) + raw[at:],
                "flip": raw[:at]
                + bytes(b ^ (1 << at % 8) for b in raw[at : at + 1])
                + raw[at + 1 :],
                "text": b"precious",
                "pickle": pickle.dumps({"plus": np.ones(5)}),
                "garbage": raw[: at // 2] + random.randbytes(64) + raw[at // 2 + 64 :],
            }[kind]
        )
    return kind, file.name


def is_foreign(path: Path) -> bool:
    """What no sweep has written."""
    return path.name in ("notes.txt", "precious")


# ---- Command lines

OPTIONS = ["--out", "--force", "--starts", "--steps", "--polish", "--rounds", "--seed",
           "--objective", "--coil", "--plus", "--minus", "--sigma", "--loss", "--chunk",
           "--maximum", "--points", "--duration", "--system", "--help", "--version",
           "--no-compare", "--unknown", "-x", "--", "--no-cache", "--no-force", "--out=x",
           "--seed=", "-h", "--stert"]  # fmt: skip
WORDS = ["device.toml", "data.csv", "none.toml", "folder", "folder/", "", "-1", "0", "1", "2.5",
         "nan", "1e9", "inf", "abc", "é", "eta", "spin-eta", "minus-eta", "linear", "soft_l1",
         "squid", "wire", "plus", "out", "old", "old/result.json", "device.toml/x", "a" * 300,
         "None", "True", "/dev/null", "/proc/nothing/x", "bad\udcff.toml", "x\ny", "link", "..",
         "~", "99999999999", "9" * 30, "data.csv data.csv", "[1]", "--", "\x1b[31m"]  # fmt: skip
VERBS = ["evaluate", "design", "fit", "sweep", "iv", "new", "demo"]


def command_line(random) -> list[str]:
    line = [random.choice([*VERBS, *VERBS, "", "evalute", "help", "--help", "--version", "-"])]
    if line[0] not in ("new", "demo") and random.random() < 0.85:
        line.append("device.toml")
        line += ["data.csv"] if line[0] == "fit" and random.random() < 0.9 else []
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        kind = random.random()
        if kind < 0.7:
            line += [random.choice(OPTIONS), random.choice(WORDS)]
        elif kind < 0.85:
            line.append(random.choice(OPTIONS))
        else:
            line.insert(random.randrange(len(line) + 1), random.choice(WORDS))
    if random.random() < 0.05:
        line = line[: random.randrange(len(line) + 1)]
    return line
