#!/usr/bin/env python3
"""What the templates of share/attune/templates have to render, for test_chat_template.

Each was written to render like a template of the assets (SOURCES), and those are rendered here with Jinja. Needs jinja2
(made with 3.1.6) and the assets beside the source tree. Run it in the root of the source tree:
python3 tests/golden/make_chat_golden.py [ASSETS]. It writes tests/golden/chat_templates.json: for each template what
comes out for each conversation, without and with a generation prompt; null where Jinja raises an error.
"""
import json
import os
import sys

import jinja2

import jinja_oracle

ROLES = {"s": "system", "u": "user", "a": "assistant"}
CONVERSATIONS = [
    [("u", "Hello")], [("u", "Hello"), ("a", "Hi there.")], [("s", "Be brief."), ("u", "Hello")],
    [("s", "Be brief."), ("u", "Hello"), ("a", "Hi.")],
    [("s", " Be brief.\n"), ("u", "  One "), ("a", " Two\n\n"), ("u", "\nThree  ")],
    [("u", "a"), ("a", "b"), ("u", "c"), ("a", "d")], [("s", "x"), ("u", "a"), ("a", "b"), ("u", "c"), ("a", "d")],
    [("u", "a"), ("u", "b")], [("a", "a"), ("u", "b")], [("u", "a"), ("a", "b"), ("s", "c"), ("u", "d")],
    [("s", "a"), ("s", "b"), ("u", "c")], [("s", "only")], [("u", "")],
    [("u", "caf\u00e9 \u00a0x\u3000"), ("a", "\u65e5\u672c")],
    [("u", "a"), ("a", "<think>\nwhy\n</think>\n\nso"), ("u", "c"), ("a", "<think>\n\nhow\n</think>\n\n\nthus")],
    [("u", "a"), ("a", "b</think>c"), ("u", "<tool_response>x</tool_response>"), ("a", "d")], [("a", "only")],
]
# Attune's name -> which text of the assets: a file of chat_templates/ (its indentation taken out, as its authors
# do), a tokenizer's, or a name in one of the two lists of Jinja tests.
SOURCES = {
    "alpaca": "file:alpaca", "amberchat": "file:amberchat", "chatml-strict": "file:chatml", "gemma-system": "file:gemma-it",
    "granite-3.0": "file:granite-3.0-instruct", "llama-2-strict": "file:llama-2-chat",
    "llama-3-strict": "file:llama-3-instruct", "mistral-strict": "file:mistral-instruct",
    "openchat-strict": "file:openchat-3.5", "phi-3-small-strict": "file:phi-3-small", "phi-3-strict": "file:phi-3",
    "qwen2.5": "file:qwen2.5-instruct", "saiga": "file:saiga", "solar": "file:solar-instruct", "vicuna": "file:vicuna",
    "zephyr-strict": "file:zephyr", "phi-3": "tokenizer:phi-3", "qwen3": "tokenizer:qwen3", "smollm2": "tokenizer:smollm2",
    "chatml": "list:teknium/OpenHermes-2.5-Mistral-7B", "mistral": "list:mistralai/Mistral-7B-Instruct-v0.2 (NOTE",
    "monarch": "list:mlabonne/AlphaMonarch-7B", "gemma-no-bos": "list:google/gemma-7b-it",
    "gemma": "{{ bos_token }}list:google/gemma-7b-it", "orion": "list:OrionStarAI/Orion-14B-Chat",
    "openchat": "list:openchat/openchat-3.5-0106", "vicuna-1.1": "list:eachadea/vicuna-13b-1.1",
    "vicuna-orca": "list:Orca-Vicuna", "command-r": "list:CohereForAI/c4ai-command-r-plus", "llama-3-open": "list:Llama-3",
    "phi-3-small": "list:Phi-3-small", "phi-3-medium": "list:Phi-3-medium", "phi-3-vision": "list:Phi-3-vision",
    "chatglm3": "list:ChatGLM3", "chatglm4": "list:ChatGLM4", "glm-edge": "list:GLMEdge",
    "minicpm": "list:MiniCPM-3B-OpenHermes", "deepseek-v2": "list:DeepSeek-V2",
    "mistral-v1": "list:mistralai/Mistral-7B-Instruct-v0.2 (mistralai 'v1'",
    "mistral-v3": "list:Mistral-Large-Instruct-2407",
    "mistral-nemo": "list:Mistral-Nemo-Instruct-2407", "mistral-v7": "list:mistralai/Mistral-Large-Instruct-2411",
    "megrez": "list:Infinigence/Megrez-3B-Instruct", "phi-4": "list:phi-4", "llama-2": "list:llama",
    "zephyr": "list:HuggingFaceH4/zephyr-7b-beta (add_generation_prompt=true)", "qwen2": "list:Qwen/Qwen2.5-VL-7B-Instruct",
    "llama-3.1": "list:meta-llama/Llama-3.1-8B-Instruct", "llama-3": "closed:Llama-3",
}


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def source(assets, name):
    if name.startswith("{{ bos_token }}"):
        return "{{ bos_token }}" + source(assets, name[len("{{ bos_token }}"):])
    kind, key = name.split(":", 1)
    if kind == "file":
        text = read(f"{assets}/conformance/chat_templates/{key}.jinja")
        plain = "granite" in key or "qwen" in key  # these remove their indentation themselves
        return text if plain else text.replace("    ", "").replace("\n", "")
    if kind == "tokenizer":
        path = f"{assets}/tokenizers/{key}/chat_template.jinja"
        if os.path.exists(path):
            return read(path)
        return json.loads(read(f"{assets}/tokenizers/{key}/tokenizer_config.json"))["chat_template"]
    if kind == "closed":  # with the generation prompt only when it is asked for
        text = source(assets, "list:" + key)
        at = text.rindex("{{")
        return text[:at] + "{% if add_generation_prompt %}" + text[at:] + "{% endif %}"
    for file in ("llama_cpp_chat_templates", "hf_jinja_e2e"):
        for case in json.loads(read(f"{assets}/conformance/jinja/{file}.json")):
            if case["name"] == key or (len(key) > 12 and case["name"].startswith(key)):
                return case["chat_template"]
    raise SystemExit("no template " + name)


def render(text, messages, generation):
    try:
        return jinja_oracle.render(text, dict(messages=messages, add_generation_prompt=generation, bos_token="<B>",
                                              eos_token="<E>"))
    except jinja2.exceptions.TemplateError:
        return None


def main():
    assets = sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"
    talks = [[dict(role=ROLES[r], content=c) for r, c in talk] for talk in CONVERSATIONS]
    templates = []
    for name, key in SOURCES.items():
        text = source(assets, key)
        templates.append(dict(name=name, renders=[[render(text, talk, g) for g in (False, True)] for talk in talks]))
    with open("tests/golden/chat_templates.json", "w", encoding="utf-8") as f:
        json.dump(dict(made_with="jinja2 " + jinja2.__version__, conversations=talks, templates=templates), f,
                  ensure_ascii=False, indent=0)
        f.write("\n")


main()
