#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "text/chat_template.h"
#include "text/chat_template_table.h"

#define JINJA_MAX ((size_t)1 << 20)

// Known texts by the first 64 bits of the SHA-256 of their normalized form (an unknown one's stands in the error).
// tests/golden/make_chat_golden.py compares a row's renders with Jinja's before its texts are listed here.
static const struct {
    uint64_t fingerprint;
    const char *name;
} known[] = {
    {0xebcd5889625ddef4, "alpaca"},
    {0xfc70f461e69f7ae6, "amberchat"},
    {0x305d84828de32bc7, "chatglm3"},
    {0x307c1818640eadba, "chatglm4"},
    {0x5452a02aa3ba9761, "chatml"},
    {0x60968cf7e754f44c, "chatml"},
    {0x13abe36ebad7b7eb, "chatml-strict"},
    {0x25d2d07f7efef4ba, "command-r"},
    {0xf06cbcbb37ae114b, "deepseek-v2"},
    {0x51c8811efb705171, "gemma"},
    {0x4c603fa292a6ed8d, "gemma-no-bos"},
    {0x5c24bef92e81bf95, "gemma-system"},
    {0x59d5581984114c52, "glm-edge"},
    {0xb051200fdea90b46, "granite-3.0"},
    {0x066d2a472f38e173, "llama-2"},
    {0xb21a71301edd367e, "llama-2-strict"},
    {0x23afe7565e019236, "llama-3"},
    {0x768f494c82d13afd, "llama-3-open"},
    {0x50e667991f18b1ba, "llama-3-strict"},
    {0x98c43f9cc32cbe1d, "llama-3.1"},
    {0xe86ffdefcd61a25e, "megrez"},
    {0x1df7e0f789fd95c8, "minicpm"},
    {0x5e3393cafefc2e70, "mistral"},
    {0x4740dd586f0001c9, "mistral-nemo"},
    {0x82b5ff239dc6e3a6, "mistral-nemo"},
    {0x114a4a7ce0fa6cf4, "mistral-strict"},
    {0xc51e3187c9fafe66, "mistral-v1"},
    {0x23093a1e90aa4914, "mistral-v3"},
    {0x298ccc1d4d76a90e, "mistral-v7"},
    {0x67ec6514e02b6e46, "monarch"},
    {0xb2a817c1c2aa9152, "openchat"},
    {0xc67d31c25e43e21b, "openchat-strict"},
    {0xdf2392a326a5c160, "orion"},
    {0x5472471fd399d147, "phi-3"},
    {0xd7f6f4cda334cbda, "phi-3-medium"},
    {0xdb74bdd05778865c, "phi-3-small"},
    {0xba786ca2bea2b1b1, "phi-3-small-strict"},
    {0x59b0e4cff7e3cc0e, "phi-3-strict"},
    {0x4b55e15a724f8db8, "phi-3-vision"},
    {0x9809ad809b9637e6, "phi-4"},
    {0x2a0150fed64b4a24, "qwen2"},
    {0x72271f81da2422d5, "qwen2.5"},
    {0x373d1d8aedf58bb4, "qwen3"},
    {0x8455f0cf9d33d1c4, "qwen3"},
    {0xbea80fcc5fcc18b8, "saiga"},
    {0xa5ebae693f93fc57, "smollm2"},
    {0x22b039ee8311bb70, "solar"},
    {0xc5fc604c2c4b25b7, "vicuna"},
    {0x0218014160c2a451, "vicuna-1.1"},
    {0x55b455c01376eb20, "vicuna-orca"},
    {0x989274698111229a, "zephyr"},
    {0x38b1fc68353f4d61, "zephyr-strict"},
};

int chat_template_fingerprint(const char *jinja, uint64_t *out, struct err *e)
{
    if (strlen(jinja) > JINJA_MAX)
        return err_set(e, ERR_LIMIT, "the chat template is longer than %zu KiB", JINJA_MAX >> 10);
    struct str text = {0};
    int code = jinja_normalize(jinja, &text, e);
    if (!code) {
        struct sha256 hash;
        char hex[65];
        sha256_init(&hash);
        sha256_add(&hash, str_text(&text), text.len);
        sha256_hex(&hash, hex);
        hex[16] = '\0';
        *out = strtoull(hex, NULL, 16);
    }
    str_fini(&text);
    return code;
}

int chat_template_recognize(const struct chat_template **out, const char *jinja, struct err *e)
{
    uint64_t fingerprint;
    int code = chat_template_fingerprint(jinja, &fingerprint, e);
    if (code)
        return code;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].fingerprint == fingerprint)
            return chat_template_by_name(out, known[i].name, e);
    struct str names = {0};
    for (const char *const *name = chat_template_names(); *name; name++)
        str_addf(&names, "%s%s", *name == chat_templates[0].name ? "" : ", ", *name);
    code =
        err_set(e, ERR_UNSUPPORTED,
                "the tokenizer's chat template (fingerprint %016llx) is not one that Attune knows: choose the one that "
                "renders like it with --chat-template NAME; names: %s",
                (unsigned long long)fingerprint, str_text(&names));
    str_fini(&names);
    return code;
}
