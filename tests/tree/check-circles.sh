#!/bin/sh
# The files of the tree depend on one another in one direction: no file needs, directly or through others, one that needs it.
# The objects are asked, not the includes: a.c needs b.c where a.o leaves a name undefined that b.o defines. So a header that
# several files share hides nothing.
set -eu
src=${ATTUNE_SRCDIR:-.} build=${ATTUNE_BUILDDIR:-.}

# Objects of the sources that there are now; automake writes a program's or library's own flags as LIBRARY-FILE.o.
objects() {
    find "$build/src" -name '*.o' | sort | while read -r o; do
        c=${o#"$build/"}
        c=${c%/*}/$(basename "${c##*-}" .o).c
        [ ! -f "$src/$c" ] || printf '%s\n' "$o"
    done
}

objects | xargs "${NM:-nm}" -A -P -g | awk -v build="$build/" '
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
        print "not ok: a circle: " circle(list[i]) "\n    with all that lie on circles with these: " group
        is_bad[folder] = 1
        bad = 1
    }
    for (i = 1; i <= n_folders; i++)
        if (!is_bad[folders[i]])
            print "ok " folders[i]
    exit bad
}'
