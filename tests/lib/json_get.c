// For test scripts: standard input must hold exactly one JSON value; prints the member that the arguments lead to
// (keys and array indices), texts without quotes, others as JSON. "length" as last argument prints how many.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *root = json_loadf(stdin, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error), *value = root;
    if (!root)
        return fprintf(stderr, "line %d: %s\n", error.line, error.text), 1;
    for (int i = 1; i < argc && value; i++) {
        if (i == argc - 1 && strcmp(argv[i], "length") == 0) {
            printf("%zu\n", json_is_array(value) ? json_array_size(value) : json_object_size(value));
            json_decref(root);
            return 0;
        }
        value = json_is_array(value) ? json_array_get(value, strtoul(argv[i], NULL, 10)) : json_object_get(value, argv[i]);
    }
    if (!value) {
        fprintf(stderr, "there is no such member\n");
        json_decref(root);
        return 1;
    }
    if (json_is_string(value))
        puts(json_string_value(value));
    else {
        json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
        putchar('\n');
    }
    json_decref(root);
    return 0;
}
