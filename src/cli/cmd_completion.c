// attune completion bash|zsh|fish: a script for the shell, which asks "attune completion words" what a word may become.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/complete.h"

static int run(int argc, char **argv);

const struct command command_completion = {
    .name = "completion",
    .synopsis = "attune completion bash|zsh|fish",
    .summary = "Prints a completion script for the shell.",
    .help = "make install puts them in place. By hand:\n"
            "  attune completion bash > ~/.local/share/bash-completion/completions/attune\n"
            "  attune completion zsh > \"${fpath[1]}/_attune\"\n"
            "  attune completion fish > ~/.config/fish/completions/attune.fish",
    .run = run,
};

// Files where the program has nothing to offer.
static const struct {
    const char *shell, *script;
} scripts[] = {
    {"bash", "# bash completion for attune; made by \"attune completion bash\"\n"
             "_attune() {\n"
             "    local IFS=$'\\n' cur=${COMP_WORDS[COMP_CWORD]}\n"
             "    COMPREPLY=($(\"${COMP_WORDS[0]}\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
             "    [[ ${COMPREPLY[*]} || $cur == -* ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
             "}\n"
             "complete -o filenames -F _attune attune\n"},
    {"zsh", "#compdef attune\n"
            "# made by \"attune completion zsh\"\n"
            "_attune() {\n"
            "    local -a found\n"
            "    found=(\"${(@f)$(\"$words[1]\" completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
            "    found=(${found:#})\n"
            "    if (( $#found )); then compadd -- $found; else _files; fi\n"
            "}\n"
            "if [ \"$funcstack[1]\" = _attune ]; then _attune \"$@\"; else compdef _attune attune; fi\n"},
    {"fish", "# fish completion for attune; made by \"attune completion fish\"\n"
             "function __attune_words\n"
             "    set -l line (commandline -opc) (commandline -ct)\n"
             "    $line[1] completion words -- $line[2..-1] 2>/dev/null\n"
             "end\n"
             "complete -c attune -a '(__attune_words)'\n"},
};

static int run(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_completion, argc, argv, 1, -1, &status))
        return status;
    const char *script = NULL;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (strcmp(a.words[0], scripts[i].shell) == 0 && a.n_words == 1)
            script = scripts[i].script;
    if (script) {
        fputs(script, stdout);
    } else if (strcmp(a.words[0], "words") == 0) {
        complete_words(a.words + 1, a.n_words - 1, stdout);
    } else {
        struct err e = {0};
        err_set(&e, ERR_UNSUPPORTED, "there are completions for bash, zsh and fish, not for \"%s\"", a.words[0]);
        status = args_fail(&a, &e);
    }
    args_close(&a);
    return status;
}
