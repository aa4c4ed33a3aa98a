/* Clocks, and what the server's processes have used. */
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct processes servers, fronts;

long long now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

double now(void) { return now_ns() / 1e9; }

void fail(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(2);
}

static double thread_time(int pid, const char *thread) {
    char path[400];
    double nanoseconds = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, thread);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%lf", &nanoseconds) != 1) nanoseconds = 0;
    fclose(file);
    return nanoseconds / 1e9;
}

/* In nanoseconds and for each thread, since /proc/PID/stat counts in hundredths of a second. */
static double process_time(int pid) {
    char path[64];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    if (!folder) return 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') sum += thread_time(pid, entry->d_name);
    closedir(folder);
    return sum;
}

static double read_kilobytes(const char *path, const char *name) {
    char line[256];
    double kilobytes = 0;
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) kilobytes = atof(line + strlen(name));
    fclose(file);
    return kilobytes;
}

static double process_memory(int pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    return read_kilobytes(path, "VmRSS:");
}

static void add(const struct processes *processes, double *cpu, double *memory) {
    for (int i = 0; i < processes->count; i++) {
        *cpu += process_time(processes->pids[i]);
        *memory += process_memory(processes->pids[i]);
    }
}

struct usage usage_now(void) {
    struct usage sum = {0};
    add(&servers, &sum.cpu, &sum.memory);
    add(&fronts, &sum.front_cpu, &sum.front_memory);
    sum.kernel = read_kilobytes("/proc/meminfo", "Slab:");
    return sum;
}

static double used(struct usage before, struct usage after) {
    return after.cpu - before.cpu + after.front_cpu - before.front_cpu;
}

/* Wait until the server has nothing left to do, so that a figure holds all the work that was caused. A window
 * is longer than the half second after which thywill writes records. */
struct usage usage_settled(void) {
    double limit = now() + 20;
    struct usage before, after = usage_now();
    do {
        double end = now() + 0.6;
        while (now() < end) turn(20);
        before = after;
        after = usage_now();
    } while (used(before, after) > 0.6 * 0.03 && now() < limit);
    return after;
}
