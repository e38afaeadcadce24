// What kind of file system a folder is on: SQLite's WAL needs memory that processes share, which network file
// systems do not give.
#pragma once

#include <stdbool.h>

// "NFS", "Lustre", ...; NULL for a local one.
const char *file_system_network_name(long type);
// The network file system that `path` is on; NULL when it is local or unknown. $ATTUNE_JOURNAL=rollback and
// =wal overrule what is found ("$ATTUNE_JOURNAL" and NULL).
const char *file_system_network(const char *path);
