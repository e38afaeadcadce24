#!/bin/sh
# Every file of the repository is in what `make dist` packs: a header or a golden file that no local.mk names is missed by whoever
# builds from the archive, and by nobody else. 77 outside of a git checkout, as in that archive itself.
set -u
build=$(cd "${ATTUNE_BUILDDIR:-.}" && pwd)
cd "${ATTUNE_SRCDIR:-.}" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files 2>/dev/null | grep -vE '(^|/)\.gitignore$' | sort >"$work/files"
if ! [ -s "$work/files" ]; then
    echo "skipped: there is no git checkout here"
    exit 77
fi
printf 'include Makefile\nlist-of-files:\n\t@printf "%%s\\n" $(patsubst $(srcdir)/%%,%%,$(patsubst $(top_srcdir)/%%,%%,$(DISTFILES)))\n' >"$work/mk"
if ! make -s --no-print-directory -C "$build" -f "$work/mk" list-of-files >"$work/listed" 2>"$work/err"; then
    echo "not ok make does not say what is packed"
    cat "$work/err"
    exit 1
fi
# What is named is a file, or a folder with all that is in it.
awk 'FNR == NR { listed[$0]; next }
    { path = $0; found = path in listed
      while (!found && sub(/\/[^\/]*$/, "", path)) found = path in listed
      if (!found) { print "not ok no local.mk brings " $0 " into the archive"; bad = 1 } n++ }
    END { if (!bad) print "ok " n " files are all packed"; exit bad }' "$work/listed" "$work/files"
