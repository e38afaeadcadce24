#!/bin/sh
# The layers hold: which folder may include which, and which outside library stands in one place only.
# HACKING.md has the picture.
set -eu
cd "${ATTUNE_SRCDIR:-.}"
bad=0

# allowed FOLDER "regex of folders that it may include from the project" ["regex of single headers"]
allowed() {
    folder=$1 pattern=$2
    found=$(grep -rnE '^#include "' "src/$folder" --include='*.[ch]' --include='*.cu' --include='*.cuh' | grep -vE "#include \"(config\.h|($pattern)/|(${3:-config\.h})\")" || true)
    if [ -n "$found" ]; then
        printf 'not ok includes of src/%s (allowed: %s)\n%s\n' "$folder" "$pattern" "$found"
        bad=1
    else
        printf 'ok includes of src/%s\n' "$folder"
    fi
}
# only LIBRARY-REGEX "regex of files that may include it"
only() {
    found=$(grep -rnE "^#include <($1)>" src --include='*.[ch]' --include='*.cu' --include='*.cuh' | grep -vE "^src/($2)" || true)
    if [ -n "$found" ]; then
        printf 'not ok <%s> stands outside of src/%s\n%s\n' "$1" "$2" "$found"
        bad=1
    else
        printf 'ok <%s> only in src/%s\n' "$1" "$2"
    fi
}

allowed base base
allowed stats 'base|stats'
allowed store 'base|store'
allowed text 'base|text'
allowed corpus 'base|text|corpus'
allowed demo 'base|text|corpus|demo'
allowed model 'base|model'
allowed cpu 'base|model|cpu'
allowed gpu 'base|model|cpu|gpu'
allowed train/objective 'base|corpus|train/objective' 'model/merge\.h'
allowed train/data 'base|text|corpus|train/(objective|data)'
allowed train/learn 'base|text|corpus|model|train/(objective|data|learn)'
allowed train/online 'base|text|corpus|demo|model|train/(objective|data|learn|online)'
allowed train/run 'base|store|text|corpus|demo|model|cpu|train/(objective|data|learn|online|run)' 'gpu/cards\.h'
allowed train/engine 'base|store|text|corpus|demo|model|cpu|train'
allowed launch 'base|store|launch'
allowed export 'base|store|export'
allowed cli 'base|stats|store|launch|text|corpus|demo|export|ui|cli'
allowed ui 'base|stats|store|launch|text|corpus|demo|export|ui'
allowed ui/term 'base|ui/term'
allowed ui/series 'base|ui/series'
allowed ui/plot 'base|ui/(term|series|plot)'
only 'curses.h|ncurses.*|term.h' 'ui/term/screen_curses\.c'
only 'cblas.*|dnnl.*' 'cpu/'
only 'cuda.*|cublas.*' 'gpu/'
only 'sqlite3.h' 'store/'
only 'cairo.*' 'ui/plot/painter_png\.c'
only 'curl/.*' 'net/'
only 'pcre2.h' 'text/|model/adapter\.c' # the patterns of tokenizer files; those of adapters, which are Python's
exit $bad
