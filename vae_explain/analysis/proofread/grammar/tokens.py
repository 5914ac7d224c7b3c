"""Prose, code and LaTeX cut into the tokens of arithmetic, in one pass over the text.

The same kinds come out of all three, so that one grammar reads `\\tfrac12 \\cdot 0.5`,
`½·0.5` and `0.5 * 0.5`. What can only stand between two equations is a `stop`; what may, such
as the edge of a formula in a paragraph, is a `gap`, over which an equation goes on if a sign
of equality comes next.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from ....quick_classes import NamedTuple

Mode = Literal["text", "math", "code"]
Kind = Literal[
    "number", "name", "vector", "function", "operator", "open", "close", "comma", "row", "column",
    "relation", "stop", "gap", "line", "fraction", "root", "hat", "sum", "bar", "words",
]  # fmt: skip


class MathToken(NamedTuple):
    """A token: its kind, its text in plain signs, and where it stands.

    Attributes
    ----------
    start, end
        Where it stands in the source of its passage.
    spaced
        Whether a space is before it.
    """

    kind: Kind
    text: str
    start: int
    end: int
    line: int
    spaced: bool
    mode: Mode


# What each function is called, its name in lower case.
FUNCTIONS: Mapping[str, str] = {
    name: name
    for name in (
        "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "max", "min", "abs",
        "softmax", "softplus", "mean", "sum", "square", "dot", "log2", "log10", "log1p", "expm1",
        "pow", "norm", "round", "sinh", "cosh", "tan", "floor", "ceil",
    )
} | {
    "ln": "log", "lg": "log10", "expit": "sigmoid", "sigm": "sigmoid", "maximum": "max",
    "minimum": "min", "matmul": "dot", "array": "array", "tensor": "array",
}  # fmt: skip
GREEK = {unicodedata.name(sign).split()[-1].lower(): sign for sign in "αβγδεζηθικλμνξπρστυφχψω"} | {
    "lambda": "λ",
    "epsilon": "ε",
    "phi": "φ",
    "varphi": "φ",
    "varepsilon": "ε",
    "ell": "l",
}
GREEK |= {name.capitalize(): sign.upper() for name, sign in GREEK.items() if name != "ell"}
UPDATE = "←"  # a name gets what stands behind it, or a remark points at what stands before it
SIGNS: Mapping[str, tuple[Kind, str]] = {
    **dict.fromkeys(("cdot", "times", "ast", "star", "bullet"), ("operator", "*")),
    **dict.fromkeys(("odot", "circ", "otimes"), ("operator", "⊙")),
    **dict.fromkeys(("approx", "simeq", "cong", "doteq", "approxeq"), ("relation", "≈")),
    **dict.fromkeys(("equiv", "triangleq", "coloneqq", "eqqcolon"), ("relation", "=")),
    **dict.fromkeys(("gets", "leftarrow", "longleftarrow"), ("stop", UPDATE)),
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), ("fraction", "")),
    **dict.fromkeys(("binom", "dbinom", "tbinom"), ("fraction", "binomial")),
    **dict.fromkeys(("hat", "widehat", "bar", "tilde", "overline"), ("hat", "")),
    **dict.fromkeys(("lvert", "rvert", "vert"), ("bar", "|")),
    **dict.fromkeys(("lVert", "rVert", "Vert", "|"), ("bar", "‖")),
    "div": ("operator", "/"),
    "sqrt": ("root", ""),
    "sum": ("sum", "sum"),
    "prod": ("sum", "prod"),
    "lfloor": ("open", "⌊"),
    "rfloor": ("close", "⌋"),
    "lceil": ("open", "⌈"),
    "rceil": ("close", "⌉"),
    "lbrack": ("open", "["),
    "rbrack": ("close", "]"),
    "langle": ("open", "("),
    "rangle": ("close", ")"),
    "partial": ("name", "∂"),
    "nabla": ("name", "∇"),
    "infty": ("name", "∞"),
    "top": ("name", "T"),
    "intercal": ("name", "T"),
    "prime": ("name", "'"),
    "quad": ("gap", ""),
    "qquad": ("gap", ""),
    "\\": ("line", ""),
    "cr": ("line", ""),
    "%": ("operator", "%"),
    "_": ("name", "_"),
    "{": ("open", "{"),
    "}": ("close", "}"),
}
SILENT = {
    ",", ";", ":", "!", " ", ">", "left", "right", "middle", "big", "Big", "bigg", "Bigg", "bigl",
    "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "displaystyle", "textstyle",
    "scriptstyle", "limits", "nolimits", "nonumber", "notag", "hline", "mathbf", "boldsymbol",
    "bm", "mathcal", "mathit", "mathsf", "mathbb", "mathrm", "vec", "boxed", "underbrace",
    "overbrace", "underline", "operatorname", "bf", "rm", "it", "mathstrut", "strut", "colorbox",
    "textbf", "textit", "tt", "mathtt", "mathop", "mathbin", "cancel", "centering", "noindent",
}  # fmt: skip
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₙ", "0123456789ijkn")
FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "⅛": "0.125"}
SAME_WIDTH = str.maketrans(
    {
        **dict.fromkeys("−–﹣－‐‑", "-"),
        **dict.fromkeys("\t\u00a0\u2009\u202f\u2002\u2003\u2061\u2062", " "),
    }
    | {
        "µ": "μ",
        "ϵ": "ε",
        "ς": "σ",
        "ϕ": "φ",
        "＝": "=",
        "＜": "<",
        "ℒ": "L",
        "（": "(",
        "）": ")",
        "，": ",",
        "：": ":",
    }
)

NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\d.]*\d)"
# 1,000 and 12,345.5; in a list without spaces, `[100,200]`, a comma parts two numbers.
GROUPED = r"[1-9]\d{0,2}(?:(?:,|\{,\})\d{3})+(?![\d,]*\d)"
THOUSANDS = rf"(?<![\d.,\[\w]){GROUPED}(?:\.\d+)?(?!\s*\])(?!(?<=\(.{{5}})\))(?!(?<=\(.{{7}})\))"

PATTERN = re.compile(
    rf"""
    (?P<space>[ \r]+|~(?=[\\\w])|`|\\phantom\s*\{{[^{{}}]*\}}|\\(?:left|right)\s*\.
      |\\(?:tag|label|hspace|vspace|color)\*?\s*\{{[^{{}}]*\}}|\\textcolor\s*\{{[^{{}}]*\}}
      |\\sim\s*\\mathcal\s*\{{N\}}\s*\([^()=]*\)|[~∼]\s*N\s*\([^()=]*\))
  | (?P<line>\n)
  | (?P<named>\\(?:text|textrm|mathrm|operatorname\*?|texttt|mbox|textnormal|mathtt)\s*
        \{{\s*(?P<inside>[^{{}}\\]*(?:\\_[^{{}}\\]*)*)\}})
  | (?P<letters>\\(?:mathbf|boldsymbol|bm|mathcal|mathit|mathsf|mathbb|vec)\s*
        (?:\{{\s*(?P<letter>\\?[A-Za-z]+)\s*\}}|\s(?P<single>\\[A-Za-z]+|[A-Za-z])))
  | (?P<begin>\\begin\s*\{{(?P<opened>[a-zA-Z]+)\*?\}}(?:\s*\{{[lcr|\s]*\}})?)
  | (?P<end>\\end\s*\{{(?P<closed>[a-zA-Z]+)\*?\}})
  | \\(?P<command>[A-Za-z]+|.)\*?
  | (?P<sign>\{{\s*[-+]\s*\}})
  | (?P<version>\d+(?:\.\d+){{2,}}|\d+(?:\.\d+)?(?:st|nd|rd|th|D|px|ms|k|K|M|GB|MB)\b)
  | (?P<thousands>{THOUSANDS})
  | (?P<cut>\d*\.\d+(?:\.\.\.|…|\\[lc]?dots\b)(?!\s*[\])])
      |(?:(?<=[(*·×/+^-])|(?<=[*·×/+-]\ ))\d*\.\d+(?:\.\.\.|…|\\[lc]?dots\b)(?=\s*\)))
  | (?P<dotted>\d+\.(?![\w.]))
  | (?P<number>{NUMBER})
  | (?P<vulgar>[½¼¾⅛])
  | (?P<superscript>[⁺⁻]?[⁰¹²³⁴-⁹]+)
  | (?P<transposed>ᵀ|\.T\b)
  | (?P<method>\.[a-z_]\w*(?=\())
  | (?P<partial>∂[A-Za-z]\w*|∂)
  | (?P<top>⊤)
  | (?P<total>[∑Σ])
  | (?P<greek>[α-ωΑ-Ω][\u0300-\u036f]*(?:_\w+|[₀-₉ᵢⱼₖₙ]+|\d+)?['′]*)
  | (?P<called>(?:np|numpy|math|torch|jnp|tf|F|torch\.nn\.functional|tf\.math)\.[a-z]\w*)
  | (?P<ideographs>[\u2e80-\uffef]+)
  | (?P<name>[^\W\d_](?:(?![\u2e80-\uffef¹²³⁰⁴-⁹½¼¾⅛])[\w\u0300-\u036f])*(?<!_)
      (?:\.[A-Za-z_]\w*(?![\w(]))*[₀-₉ᵢⱼₖₙ]*['′]*)
  | (?P<prime>['′]+)
  | (?P<power>\*\*)
  | (?P<arrow>←|⟵|<-(?=\s))
  | (?P<stop><->|<=>|=>|->|→|⇒|⟹|⟶|↦|⟺|<=|>=|!=|≠|≤|≥|<|>|\.\.\.|…|—|;|\?|!|:(?!=)|\.(?!\w)
      |∈|∼|~(?!=)|\#+|"|“|”|•)
  | (?P<relation>:=|==|~=|=|≈|≃|≅|≐|≡|≜)
  | (?P<open>[\[({{⟨⌊⌈])
  | (?P<close>[\])}}⟩⌋⌉])
  | (?P<comma>,)
  | (?P<column>&)
  | (?P<bar>\|\|?|‖)
  | (?P<operator>[*·×⋅∗⊙÷/+\-^_@%²³√])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
CUT = "…"  # behind a number that goes on
OPERATORS = {"·": "*", "×": "*", "⋅": "*", "∗": "*", "÷": "/"}
MODULES = {"np", "numpy", "math", "torch", "jnp", "tf", "F", "torch.nn.functional", "tf.math"}
BOLD = ("\\mathbf", "\\boldsymbol", "\\bm", "\\vec")
MATRIX = re.compile(r"[bpvBV]?(?:small)?matrix|array")
DECIMAL_COMMA = re.compile(rf"(?<![\d.,\[(])-?(?:(?P<grouped>{GROUPED})|\d+,\d+)(?![\d.,]*\d)")
DECIMAL_POINT = re.compile(r"(?<![\d.,])\d+\.\d+(?![\d.,]*\d)")
COMMA_BETWEEN = re.compile(r"(?<=\d)(?:,|\{,\})(?=\d)")


def has_decimal_commas(texts: Iterable[str]) -> bool:
    """Whether a document writes its decimals with a comma, throughout."""
    commas, certain = 0, False
    for text in texts:
        if DECIMAL_POINT.search(text):
            return False
        for match in DECIMAL_COMMA.finditer(text):
            commas += 1
            certain = certain or not match["grouped"]  # `1,000` may be a thousand
            if commas > 1 and certain:
                break
    return commas > 1 and certain


def with_points(text: str) -> str:
    """Return a text with points in its decimals, for the commas that it has."""
    return COMMA_BETWEEN.sub(".", text)


def lex(text: str, line: int, mode: Mode, start: int = 0) -> Iterator[MathToken]:
    """Cut a text into tokens.

    Parameters
    ----------
    start
        Where the text begins in the source of its passage.
    """
    spaced, matrices, depth = True, 0, 0
    ampersands = 0  # of this row outside matrices
    for match in PATTERN.finditer(text.translate(SAME_WIDTH)):
        if match.lastgroup in ("begin", "end") and MATRIX.fullmatch(
            match["opened"] or match["closed"]
        ):
            matrices += 1 if match.lastgroup == "begin" else -1
        depth = max(0, depth + (match.lastgroup == "open") - (match.lastgroup == "close"))
        tokens = _tokens(match, mode, depth)
        if match.lastgroup == "begin" or match["command"] == "\\":
            ampersands = 0
        elif match.lastgroup == "column" and not matrices:
            ampersands += 1
            # Every second one stands between two equations; the others align their signs.
            tokens = () if ampersands % 2 else (("gap", ""),)
        for kind, shown in tokens:
            begin, end = start + match.start(), start + match.end()
            yield MathToken(kind, shown, begin, end, line, spaced, mode)
            spaced = False
        spaced = spaced or not tokens or tokens[-1][0] == "line"
        line += match[0].count("\n")


Found = Sequence[tuple[Kind, str]]
FACTORIAL = re.compile(r"!(?!=)")
LARGEST = 170  # of which a factorial is a number of floating point


def _ends_in_digit(match: re.Match[str]) -> bool:
    return match.string[match.start() - 1 : match.start()].isdecimal()


def _tokens(match: re.Match[str], mode: Mode, depth: int) -> Found:
    """Return the kind and text of what one match of the pattern says."""
    text = match[0]
    match match.lastgroup:
        case "line":
            return () if mode == "math" else (("line", ""),)
        case "thousands":
            parted = mode == "code" and depth  # the entries of a list
            return _separately(text) if parted else (("number", text.replace("{,}", ",")),)
        case "dotted":
            # A full stop; within an array, and in code, `0.` is NumPy's exact zero.
            inside = mode == "code" or match.string[match.end() :].lstrip()[:1] in (",", "]", ")")
            return (("number", text),) if inside else (("number", text[:-1]), ("stop", "."))
        case "cut":
            return (("number", text.rstrip("\\lcdots.…") + CUT),)
        case "number" if (
            mode == "math" and text.isdecimal() and FACTORIAL.match(match.string, match.end())
        ):
            if len(text) > 3 or int(text) > LARGEST:
                return (("name", f"{text}!"),)
            return (("number", str(math.factorial(int(text)))),)
        case "stop" if mode == "math" and FACTORIAL.match(text) and _ends_in_digit(match):
            return ()
        case "number" | "comma" | "bar" | "stop" as kind:
            return ((kind, text),)
        case "arrow":
            return (("stop", UPDATE),)
        case "open" | "close" as kind:
            return ((kind, "group" if text in "{}" and mode == "math" else text),)
        case "relation":
            return (("relation", "≈" if text in ("≈", "≃", "≅", "≐", "~=") else "="),)
        case "operator":
            return _operator(text)
        case "greek" | "name" | "partial" | "called":
            return (_name(text),)
        case "command":
            called = match.string[match.end() :].lstrip()[:1] == "("
            return _command(match["command"], called)
        case "named":
            return _inside(match["inside"])
        case "letters":
            letter = (match["letter"] or match["single"]).lstrip("\\")
            bold = match[0].startswith(BOLD)
            return (("vector" if bold else "name", GREEK.get(letter, letter)),)
        case "begin":
            return (("open", "[["),) if MATRIX.fullmatch(match["opened"]) else ()
        case "end":
            return (("close", "]]"),) if MATRIX.fullmatch(match["closed"]) else ()
        case "top":
            return (("name", "T"),)
        case "total":
            return (("sum", "sum"),)
        case "column":
            return (("column", ""),)
        case "sign":
            return (("operator", text.strip("{} ")),)
        case "vulgar":
            return (("number", FRACTIONS[text]),)
        case "superscript":
            return (("operator", "^"), ("number", text.translate(SUPERSCRIPTS)))
        case "transposed":
            return (("operator", "ᵀ"),)
        case "method":
            return (("function", text),)
        case "prime" if mode == "math":
            return (("name", "'"),) * len(text)
        case "power":
            return (("operator", "^"),)
        case "space":
            return ()
        case _:
            return (("words", text),)


def _separately(text: str) -> Found:
    """Return the numbers that commas part in code."""
    first, *rest = text.split(",")
    further: list[tuple[Kind, str]] = []
    for number in rest:
        further += [("comma", ","), ("number", number)]
    return (("number", first), *further)


def _operator(text: str) -> Found:
    if text in "²³":
        return (("operator", "^"), ("number", "2" if text == "²" else "3"))
    return (("root", "√"),) if text == "√" else (("operator", OPERATORS.get(text, text)),)


def _name(text: str) -> tuple[Kind, str]:
    module, _, member = text.rpartition(".")
    bare = member if module in MODULES else text
    function = FUNCTIONS.get(bare.lower())
    if function is not None:
        return "function", function
    return "name", bare.translate(SUBSCRIPTS)


def _command(name: str, called: bool) -> Found:
    if name in SIGNS:
        return (SIGNS[name],)
    if name in GREEK:
        return (("name", GREEK[name]),)
    if name in SILENT or not name.strip():
        return ()
    if name.lower() in FUNCTIONS:
        return (("function", FUNCTIONS[name.lower()]),)
    # Of what is no arrow and no sign of comparison, it is a function that is not known here.
    unknown = called and name.islower() and not name.endswith(("to", "arrow", "q", "s", "im"))
    return (("function" if unknown and len(name) > 3 else "stop", f"\\{name}"),)


def _inside(text: str) -> Found:
    """Return what `\\text{…}` is: a function, a name, or words."""
    plain = text.replace("\\_", "_").strip()
    if plain.replace(".", "_").isidentifier() and plain.isascii():
        return (_name(plain),)
    number = re.fullmatch(r"[-+]?\d+(?:\.\d+)?", plain)
    return (("number", plain),) if number else (("words", plain),)
