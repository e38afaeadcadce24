// NVIDIA's library is looked for when the console runs: it is a part of the driver, and nothing here needs it to be there.
// The declarations below are of its stable interface (version 2 of the calls).
#include "config.h"

#include "ui/machine.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

struct nvml_utilization {
    unsigned gpu, memory; // percent
};
struct nvml_memory {
    unsigned long long total, free, used; // bytes
};
struct nvml_process {
    unsigned pid;
    unsigned long long memory; // bytes; all bits set: not available
    unsigned gpu_instance, compute_instance;
};
struct nvml {
    void *library;
    int (*init)(void);
    int (*count)(unsigned *n);
    int (*handle)(unsigned index, void **device);
    int (*utilization)(void *device, struct nvml_utilization *out);
    int (*memory)(void *device, struct nvml_memory *out);
    int (*power)(void *device, unsigned *milliwatts);
    int (*temperature)(void *device, unsigned sensor, unsigned *celsius);
    int (*processes)(void *device, unsigned *n, struct nvml_process *out);
    void *devices[MACHINE_GPUS];
    int n;
};

struct machine_reader {
    char *proc;
    struct nvml nvml;
    uint64_t busy, all; // ticks of all processors at the last reading
};

// dlsym gives an object's pointer where C wants a function's.
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static void open_nvml(struct nvml *n, const char *name)
{
    unsigned count = 0;
    n->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!n->library)
        return;
    if (find(n->library, "nvmlInit_v2", &n->init) && find(n->library, "nvmlDeviceGetCount_v2", &n->count) &&
        find(n->library, "nvmlDeviceGetHandleByIndex_v2", &n->handle) && n->init() == 0 && n->count(&count) == 0)
        for (unsigned i = 0; i < count && n->n < MACHINE_GPUS; i++)
            n->n += n->handle(i, &n->devices[n->n]) == 0;
    find(n->library, "nvmlDeviceGetUtilizationRates", &n->utilization);
    find(n->library, "nvmlDeviceGetMemoryInfo", &n->memory);
    find(n->library, "nvmlDeviceGetPowerUsage", &n->power);
    find(n->library, "nvmlDeviceGetTemperature", &n->temperature);
    if (!find(n->library, "nvmlDeviceGetComputeRunningProcesses_v3", &n->processes)) // version 2 has the same structure
        find(n->library, "nvmlDeviceGetComputeRunningProcesses_v2", &n->processes);
}

struct machine_reader *machine_reader_new(const char *proc, const char *nvml)
{
    struct machine_reader *r = mem_alloc(1, sizeof *r);
    const char *other_proc = getenv("ATTUNE_PROC"), *other_nvml = getenv("ATTUNE_NVML");
    r->proc = mem_strdup(proc ? proc : other_proc ? other_proc : "/proc");
    open_nvml(&r->nvml, nvml ? nvml : other_nvml ? other_nvml : "libnvidia-ml.so.1");
    return r;
}

void machine_reader_free(struct machine_reader *r)
{
    if (!r)
        return;
    // The library stays: drivers' libraries have threads that must not lose their code.
    free(r->proc);
    free(r);
}

static FILE *open_proc(const struct machine_reader *r, const char *name)
{
    char *path = path_join(r->proc, name);
    FILE *f = fopen(path, "re");
    free(path);
    return f;
}

// The first line of /proc/stat: user nice system idle iowait irq softirq steal; what others than this machine take (steal)
// is no more idle than what we take.
static void read_cpu(struct machine_reader *r, struct machine *out)
{
    unsigned long long t[8] = {0};
    FILE *f = open_proc(r, "stat");
    const int n =
        f ? fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", t, t + 1, t + 2, t + 3, t + 4, t + 5, t + 6, t + 7)
          : 0;
    if (f)
        fclose(f);
    if (n < 4)
        return;
    uint64_t all = 0;
    for (int i = 0; i < 8; i++)
        all += t[i];
    const uint64_t busy = all - t[3] - t[4];
    if (r->all && all > r->all && busy >= r->busy)
        out->cpu = (double)(busy - r->busy) / (double)(all - r->all);
    r->all = all;
    r->busy = busy;
}

static void read_memory(struct machine_reader *r, struct machine *out)
{
    char line[128];
    unsigned long long all = 0, available = 0;
    FILE *f = open_proc(r, "meminfo");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "MemTotal: %llu kB", &all);
        sscanf(line, "MemAvailable: %llu kB", &available);
    }
    if (f)
        fclose(f);
    if (all > 0 && available <= all) {
        out->memory = all * 1024;
        out->memory_used = (all - available) * 1024;
    }
}

// More than there is room for are an error of the library, which then says how many there are and writes none.
static void read_processes(const struct nvml *n, void *device, struct machine_gpu *out)
{
    struct nvml_process found[MACHINE_GPU_PROCESSES];
    unsigned count = MACHINE_GPU_PROCESSES;
    if (!n->processes || n->processes(device, &count, found) != 0)
        return;
    for (unsigned i = 0; i < count && i < MACHINE_GPU_PROCESSES; i++)
        out->processes[out->n_processes++] =
            (struct machine_gpu_process){(int)found[i].pid, found[i].memory == ~0ull ? 0 : found[i].memory};
}

static void read_gpu(const struct nvml *n, void *device, struct machine_gpu *out)
{
    struct nvml_utilization use;
    struct nvml_memory memory;
    unsigned number;
    *out = (struct machine_gpu){.use = NAN, .watts = NAN, .celsius = NAN};
    if (n->utilization && n->utilization(device, &use) == 0)
        out->use = use.gpu / 100.0;
    if (n->memory && n->memory(device, &memory) == 0) {
        out->memory = memory.total;
        out->memory_used = memory.used;
    }
    if (n->power && n->power(device, &number) == 0)
        out->watts = number / 1000.0;
    if (n->temperature && n->temperature(device, 0, &number) == 0)
        out->celsius = number;
    read_processes(n, device, out);
}

void machine_read(struct machine_reader *r, struct machine *out)
{
    *out = (struct machine){.cpu = NAN};
    read_cpu(r, out);
    read_memory(r, out);
    out->n_gpus = r->nvml.n;
    for (int i = 0; i < out->n_gpus; i++)
        read_gpu(&r->nvml, r->nvml.devices[i], &out->gpus[i]);
}

bool machine_process(const struct machine_reader *r, int pid, int64_t start, struct machine_process *out)
{
    char name[40], line[1024];
    unsigned long long user, system, began;
    long pages, threads;
    snprintf(name, sizeof name, "%d/stat", pid);
    FILE *f = open_proc(r, name);
    const size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
    if (f)
        fclose(f);
    line[n] = '\0';
    const char *rest = strrchr(line, ')'); // the name between ( ) may hold anything
    if (!rest ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %ld %*d %llu %*u %ld",
               &user, &system, &threads, &began, &pages) != 5)
        return false;
    *out = (struct machine_process){user + system, (uint64_t)(pages > 0 ? pages : 0) * (uint64_t)sysconf(_SC_PAGESIZE),
                                    (int)threads};
    return start == 0 || (int64_t)began == start;
}

void machine_cards_of(const struct machine *m, int pid, struct str *out, uint64_t *memory)
{
    uint64_t all = 0;
    for (int g = 0; g < m->n_gpus; g++)
        for (int i = 0; i < m->gpus[g].n_processes; i++)
            if (m->gpus[g].processes[i].pid == pid) {
                str_addf(out, "%s%d", out->len ? "," : "", g);
                all += m->gpus[g].processes[i].memory;
            }
    if (memory)
        *memory = all;
}

// "61/80G", both in the unit of the whole.
static void add_memory(struct str *s, uint64_t used, uint64_t all)
{
    const double unit = all >= 1ull << 30 ? 1ull << 30 : 1ull << 20;
    const double part = (double)used / unit, whole = (double)all / unit;
    str_addf(s, part < 9.95 ? "%.1f/" : "%.0f/", part);
    str_addf(s, whole < 9.95 ? "%.1f%c" : "%.0f%c", whole, unit > 1 << 20 ? 'G' : 'M');
}

static void add_part(struct str *out, struct str *part, int columns, bool *fits)
{
    *fits = *fits && out->len + part->len + (out->len ? 2 : 0) <= (size_t)(columns > 0 ? columns : 0);
    if (*fits && part->len)
        str_addf(out, "%s%s", out->len ? "  " : "", str_text(part));
    str_clear(part);
}

void machine_text(const struct machine *m, int columns, struct str *out)
{
    struct str part = {0}, all = {0};
    bool fits = true;
    for (int i = 0; i < m->n_gpus; i++) {
        const struct machine_gpu *g = &m->gpus[i];
        str_add(&part, "gpu");
        if (m->n_gpus > 1)
            str_addf(&part, "%d", i);
        if (!isnan(g->use))
            str_addf(&part, " %.0f%%", g->use * 100);
        if (g->memory) {
            str_addc(&part, ' ');
            add_memory(&part, g->memory_used, g->memory);
        }
        if (!isnan(g->watts))
            str_addf(&part, " %.0fW", g->watts);
        if (!isnan(g->celsius))
            str_addf(&part, " %.0fC", g->celsius);
        add_part(&all, &part, columns, &fits);
    }
    if (!isnan(m->cpu))
        str_addf(&part, "cpu %.0f%%", m->cpu * 100);
    add_part(&all, &part, columns, &fits);
    if (m->memory) {
        str_add(&part, "mem ");
        add_memory(&part, m->memory_used, m->memory);
    }
    add_part(&all, &part, columns, &fits);
    str_add(out, str_text(&all));
    str_fini(&part);
    str_fini(&all);
}
