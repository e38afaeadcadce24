// What the console and the commands make their forms, help and checks from.
#include "config.h"

#include "corpus/corpus.h"
#include "cpu/cpu.h"
#include "model/arch.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/run/params.h"

// A backend is there when it opens; else the reason in words.
static json_t *describe_backends(void)
{
    json_t *array = json_array();
    for (const char *const *name = backend_names; *name; name++) {
        struct err fault = {0};
        const int code = backend_try(*name, &fault);
        json_array_append_new(
            array, json_pack("{s:s, s:b, s:s}", "name", *name, "available", code == 0, "reason", fault.text));
    }
    return array;
}

int engine_describe(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    static const enum arch_family families[] = {ARCH_LLAMA, ARCH_MISTRAL, ARCH_QWEN2, ARCH_GPT2, ARCH_OPT};
    json_t *list = json_array(), *architectures = json_array(), *kinds = json_array();
    for (const struct objective *const *o = objectives; *o; o++)
        json_array_append_new(list, engine_describe_objective(*o));
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        json_array_append_new(architectures, json_string(arch_family_name(families[i])));
    for (unsigned kind = 1; kind <= DATA_PROMPT; kind <<= 1)
        json_array_append_new(kinds, json_string(data_kind_name((enum data_kind)kind)));
    return engine_print(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "objectives", list, "params",
                                  params_to_json(run_params), "architectures", architectures, "backends",
                                  describe_backends(), "data_kinds", kinds),
                        e);
}
