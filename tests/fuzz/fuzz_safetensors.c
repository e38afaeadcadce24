// A safetensors file: what opens must be readable to the last element.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz.h"
#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err fault = {0};
    struct st_file *f;
    if (st_open(&f, fuzz_file("model.safetensors", data, n), &fault)) {
        MUST(fault.code < 0 && fault.text[0]);
        return 0;
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const struct st_tensor *t = &f->tensors[i];
        MUST(st_find(f, t->name));
        MUST(t->n_bytes <= n);
        if (t->n_elements > n * 8) // packed types have at most eight elements a byte
            continue;
        float *out = mem_alloc(t->n_elements, sizeof *out);
        st_to_f32(f, t, out, &fault);
        free(out);
    }
    st_close(f);
    return 0;
}
