"""As much C++ as the style checks need: blanking comments and strings, and finding functions."""

import re

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'                              # comments
    r'|R"(?P<delimiter>[^(\s]{0,16})\(.*?\)(?P=delimiter)"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'                            # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",           # characters, not digit separators
    re.S,
)
# What may stand before a `{` that opens a scope in which functions are defined.
SCOPE = re.compile(r"^\s*(inline\s+)?(namespace|extern)\b|\b(class|struct|union)\s+[^()=]*$")
# Blank lines and `public:` before the first word of a head.
LABELS = re.compile(r"(\s|(public|private|protected):)*")
CONTROL = re.compile(r"^\s*(if|else|for|while|switch|do|try|catch|return|case|default)\b")


def blank_comments_and_strings(text):
    """The same text with the insides of comments and literals as spaces; lines keep their numbers."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    # An #include has its name in quotes, which is no string.
    kept = re.sub(r'^(\s*#include\s*)"[^"\n]*"', lambda m: " " * len(m.group(0)), text, flags=re.M)
    return TOKEN.sub(blank, kept)


def functions(text):
    """(name, first line, last line) of every function defined in namespaces and classes."""
    code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  blank_comments_and_strings(text), flags=re.M)
    found, stack, head_start = [], [], 0
    for match in re.finditer(r"[{};]", code):
        position = match.start()
        if match.group() == "{":
            stack.append((kind_of(code[head_start:position], stack), head_start))
        elif match.group() == "}" and stack:
            kind, start = stack.pop()
            if kind:
                start += LABELS.match(code[start:position]).end()
                found.append((kind, line_of(code, start), line_of(code, position)))
        elif stack and stack[-1][0] is not SCOPE_MARK:
            continue  # a semicolon inside a function starts no head that matters
        head_start = position + 1
    return found


SCOPE_MARK = ""  # falsy, so that scopes are not reported


def kind_of(head, stack):
    """The name of the function that `head` begins, SCOPE_MARK for a scope, None for other braces."""
    inside_scope = all(kind is SCOPE_MARK for kind, _ in stack)
    if not inside_scope or CONTROL.match(head):
        return None
    if SCOPE.search(head) and "(" not in head.split("struct")[0].split("class")[0]:
        return SCOPE_MARK
    call = re.search(r"([\w:~]+|operator\S+)\s*\(", re.sub(r"^\s*template\s*<.*?>\s", " ", head, flags=re.S))
    return call.group(1) if call and ")" in head else None


def line_of(text, position):
    return text.count("\n", 0, position) + 1
