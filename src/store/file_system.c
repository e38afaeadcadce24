#include "config.h"

#include "store/file_system.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

// Numbers from statfs(2) and linux/magic.h, here because not every system's headers have all of them.
static const struct {
    unsigned int type;
    const char *name;
} network_types[] = {
    {0x6969, "NFS"},         {0xff534d42, "CIFS"},      {0xfe534d42, "SMB2"},    {0x517b, "SMB"},
    {0x01021997, "9p"},      {0x65735546, "FUSE"},      {0x0bd00bd0, "Lustre"},  {0x47504653, "GPFS"},
    {0x5346414f, "AFS"},     {0x6b414653, "AFS"},       {0x00c36400, "Ceph"},    {0x19830326, "BeeGFS"},
    {0x564c, "NCP"},         {0x73757245, "Coda"},      {0x7461636f, "OCFS2"},   {0x01161970, "GFS2"},
    {0x013111a8, "IBRIX"},   {0xaad7aaea, "PanFS"},     {0x20030528, "OrangeFS"},
};

const char *file_system_network_name(long type)
{
    for (size_t i = 0; i < sizeof network_types / sizeof *network_types; i++)
        if (network_types[i].type == (unsigned int)type)
            return network_types[i].name;
    return NULL;
}

const char *file_system_network(const char *path)
{
    const char *journal = getenv("ATTUNE_JOURNAL");
    struct statfs fs;
    if (journal && strcmp(journal, "wal") == 0)
        return NULL;
    if (journal && strcmp(journal, "rollback") == 0)
        return "$ATTUNE_JOURNAL";
    return statfs(path, &fs) == 0 ? file_system_network_name((long)fs.f_type) : NULL;
}
