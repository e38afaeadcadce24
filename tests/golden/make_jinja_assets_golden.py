#!/usr/bin/env python3
"""Renders every chat template of the assets with Python's jinja2, for test_jinja.

Needs jinja2 (made with 3.1.6), set up as transformers' apply_chat_template does, and the assets beside the source tree.
Run it in the root of the source tree: python3 tests/golden/make_jinja_assets_golden.py [ASSETS]. It writes
tests/golden/jinja_assets.json: the conversations, and for each distinct template, known by the SHA-256 of its text, what
comes out for each of them without and with a generation prompt: length and first half of the SHA-256 of the render, or
null where jinja2 raises an error. The templates themselves stay where they are.
"""
import glob
import hashlib
import json
import sys

import jinja2

import jinja_oracle

TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather, \u00e9 \"now\"", "parameters": {
        "type": "object", "properties": {
            "city": {"type": "string", "description": "The city"}, "unit": {"type": "string", "enum": ["c", "f"]},
            "days": {"type": ["integer", "null"]}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["city"]}}}]
CALLS = [{"id": "call00001", "type": "function", "function": {
    "name": "get_weather", "arguments": {"city": "Rome", "unit": "c", "more": {"a": [1, 2.5, None, True]}}}}]


def system(content):
    return {"role": "system", "content": content}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def text(content):
    return {"type": "text", "text": content}


CONVERSATIONS = [
    {"messages": [user("Hello")]},
    {"messages": [system("Be brief."), user(" One\n"), assistant("Two"), user("\nThr\u00e9e \u3000")]},
    {"messages": [user("a"), assistant("b"), user("c"), assistant("d")]},
    {"messages": [system("Use tools."), user("Weather in Rome?"), assistant("", tool_calls=CALLS),
                  {"role": "tool", "name": "get_weather", "tool_call_id": "call00001", "content": "{\"t\": 21}"},
                  assistant("It is 21."), user("Thanks")], "tools": TOOLS},
    {"messages": [user("q"), assistant("answer", reasoning_content="because\nit is"), user("r"),
                  assistant("<think>\nhm\n</think>\n\nfine")], "enable_thinking": False},
    {"messages": [user([text("part one"), text("part two")]), assistant([text("out")])]},
    {"messages": [user("x"), user("y")], "tools": TOOLS, "enable_thinking": True},
    {"messages": [assistant("a"), system("late"), {"role": "tool", "content": "r"}, {"role": "other", "content": "z"}],
     "documents": [{"title": "T", "text": "D"}]},
]


def templates(assets):
    """{text: where it stands}: files (as they are, and with their indentation taken out, as their authors use them),
    tokenizers, and two lists of tests."""
    found = {}
    for path in sorted(glob.glob(f"{assets}/conformance/chat_templates/*.jinja")):
        with open(path, encoding="utf-8", newline="") as f:
            content = f.read()
        found.setdefault(content, path)
        found.setdefault(content.replace("    ", "").replace("\n", ""), path)
    for name in ("llama_cpp_chat_templates", "hf_jinja_e2e"):
        with open(f"{assets}/conformance/jinja/{name}.json", encoding="utf-8") as f:
            for case in json.load(f):
                found.setdefault(case["chat_template"], case["name"])
    for path in sorted(glob.glob(f"{assets}/tokenizers/*/chat_template.jinja")):
        with open(path, encoding="utf-8", newline="") as f:
            found.setdefault(f.read(), path)
    for path in sorted(glob.glob(f"{assets}/tokenizers/*/tokenizer_config.json")):
        with open(path, encoding="utf-8", newline="") as f:
            content = json.load(f).get("chat_template")
        if isinstance(content, str):
            found.setdefault(content, path)
    return found


def main():
    assets = sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"
    rows = []
    for content, place in templates(assets).items():
        renders = []
        for talk in CONVERSATIONS:
            for generation in (False, True):
                context = {"tools": None, "documents": None, "bos_token": "<B>", "eos_token": "<E>", **talk,
                           "add_generation_prompt": generation}
                try:
                    out = jinja_oracle.render(content, context).encode()
                    renders.append(f"{len(out)} {hashlib.sha256(out).hexdigest()[:32]}")
                except Exception:  # whatever Python says: the template does not render
                    renders.append(None)
        rows.append({"template": hashlib.sha256(content.encode()).hexdigest(), "name": place.split("/")[-1],
                     "renders": renders})
    with open("tests/golden/jinja_assets.json", "w", encoding="utf-8") as f:
        json.dump({"made_with": "jinja2 " + jinja2.__version__, "conversations": CONVERSATIONS, "templates": rows}, f,
                  ensure_ascii=False, indent=0)
        f.write("\n")
    print(len(rows), "templates,", sum(r is not None for row in rows for r in row["renders"]), "renders,",
          sum(r is None for row in rows for r in row["renders"]), "errors")


main()
