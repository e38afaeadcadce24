#!/bin/sh
# The files of the tree depend on one another in one direction: no file needs, directly or through others, one that needs it.
# The objects are asked, not the includes: a.c needs b.c where a.o leaves a name undefined that b.o defines. So a header that
# several files share hides nothing.
set -eu
src=${ATTUNE_SRCDIR:-.} build=${ATTUNE_BUILDDIR:-.}

# Circles that are still there, the files of each up to an empty line; a file more in one of them is a new circle. They go
# from here when they are cut.
known='
# the table of operations and those that ask for the threads
cpu/attention cpu/attention_backward cpu/attention_decode cpu/backend_cpu cpu/elementwise cpu/head cpu/head_backward
cpu/linear cpu/norm cpu/rows cpu/sample

# mismatched answers are part of a dataset
train/data/dataset train/data/mismatch

# the table of commands and what they share
train/engine/agree train/engine/bench train/engine/check train/engine/credit train/engine/describe train/engine/engine_main
train/engine/memory train/engine/merge train/engine/model_info train/engine/objective_eval train/engine/run_command
train/engine/sample train/engine/sampling train/engine/score train/engine/serve train/engine/session train/engine/tools

'

# Objects of the sources that there are now; automake writes a program's or library's own flags as LIBRARY-FILE.o.
objects() {
    find "$build/src" -name '*.o' | sort | while read -r o; do
        c=${o#"$build/"}
        c=${c%/*}/$(basename "${c##*-}" .o).c
        [ ! -f "$src/$c" ] || printf '%s\n' "$o"
    done
}

objects | xargs "${NM:-nm}" -A -P -g | known=$known awk -v build="$build/" '
function module(object)
{
    sub(/:$/, "", object)
    sub(/\.o$/, "", object)
    object = substr(object, length(build "src/") + 1)
    sub(/\/[^\/]*-/, "/", object)
    return object
}
# The shortest way from start back to itself, as text.
function circle(start, queue, n, at, i, from, text)
{
    split("", from)
    n = 1
    queue[1] = start
    for (at = 1; at <= n; at++)
        for (i = 1; i <= n_needs[queue[at]]; i++) {
            if (needs[queue[at], i] == start) {
                text = start
                for (at = queue[at]; at != start; at = from[at])
                    text = at " -> " text
                return start " -> " text
            }
            if (!(needs[queue[at], i] in from) && reach[needs[queue[at], i], start]) {
                from[needs[queue[at], i]] = queue[at]
                queue[++n] = needs[queue[at], i]
            }
        }
}
function is_known(group, i, k, n, names, listed)
{
    for (k = 1; k <= n_known; k++) {
        listed = " " known_group[k]
        n = split(group, names, " ")
        for (i = 1; i <= n && index(listed, " " names[i] " "); i++)
            continue
        if (i > n)
            return 1
    }
    return 0
}
BEGIN {
    n = split(ENVIRON["known"], lines, "\n")
    for (i = n_known = 1; i <= n; i++)
        if (lines[i] ~ /^#/)
            continue
        else if (lines[i] == "")
            n_known++
        else
            known_group[n_known] = known_group[n_known] lines[i] " "
}
{
    m = module($1)
    if (!(m in seen)) {
        seen[m] = 1
        list[++n_list] = m
    }
    if ($3 == "U" || $3 == "w")
        wanted[++n_wanted] = m SUBSEP $2
    else if (!(($2, m) in is_defined)) {
        is_defined[$2, m] = 1
        definer[$2, ++n_definers[$2]] = m
    }
}
END {
    if (n_list == 0) {
        print "not ok: there are no objects; make comes first"
        exit 1
    }
    for (i = 1; i <= n_wanted; i++) {
        split(wanted[i], part, SUBSEP)
        for (k = 1; k <= n_definers[part[2]]; k++) {
            to = definer[part[2], k]
            if (to != part[1] && !((part[1], to) in is_edge)) {
                is_edge[part[1], to] = 1
                needs[part[1], ++n_needs[part[1]]] = to
            }
        }
    }
    for (i = 1; i <= n_list; i++) {
        n = 1
        queue[1] = list[i]
        for (at = 1; at <= n; at++)
            for (k = 1; k <= n_needs[queue[at]]; k++)
                if (!reach[list[i], needs[queue[at], k]]) {
                    reach[list[i], needs[queue[at], k]] = 1
                    queue[++n] = needs[queue[at], k]
                }
    }
    for (i = 1; i <= n_list; i++) {
        folder = list[i]
        sub(/\/[^\/]*$/, "", folder)
        if (!(folder in is_bad)) {
            is_bad[folder] = 0
            folders[++n_folders] = folder
        }
        if (!reach[list[i], list[i]] || list[i] in is_told)
            continue
        group = ""
        for (k = i; k <= n_list; k++)
            if (reach[list[i], list[k]] && reach[list[k], list[i]]) {
                is_told[list[k]] = 1
                group = group (group == "" ? "" : " ") list[k]
            }
        if (is_known(group)) {
            print "# a known circle: " group
            continue
        }
        print "not ok: a circle: " circle(list[i]) "\n    with all that lie on circles with these: " group
        is_bad[folder] = 1
        bad = 1
    }
    for (i = 1; i <= n_folders; i++)
        if (!is_bad[folders[i]])
            print "ok " folders[i]
    for (k = 1; k <= n_known; k++) {
        n = split(known_group[k], names, " ")
        for (i = 1; i <= n && !(names[i] in is_told); i++)
            continue
        if (n && i > n)
            print "# this known circle is cut, and its lines can go: " known_group[k]
    }
    exit bad
}'
