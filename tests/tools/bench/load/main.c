/* The steps. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SENDERS 256

static int client_count = 100, port, sources = 1, window = 64;
static double timeout = 40;
static struct client *clients, control_client;
static struct link *links, control, senders[SENDERS];

static const struct template check = {"GET / HTTP/1.1\r\nHost: bench\r\n", NULL};

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* The latencies must be sorted. */
static double share(double part) { return latency_count ? latencies[(long)(part * (latency_count - 1))] : 0; }

static double each(double seconds, long count) { return count ? seconds * 1e6 / count : 0; }

static void begin(void) {
    latency_count = 0;
    counts.delivered = counts.refused = counts.errors = 0;
}

static void print_common(const char *step, struct usage before, struct usage after, long of) {
    printf("{\"step\":\"%s\",\"clients\":%d,\"parked\":%d,\"refused\":%ld,\"errors\":%ld,\"delivered\":%ld,", step,
           client_count, counts.parked, counts.refused, counts.errors, counts.delivered);
    printf("\"cpu_us\":%.3f,\"rss_kb\":%.0f", each(after.cpu - before.cpu, of), after.memory);
    if (!fronts.count) return;
    printf(",\"front_us\":%.3f,\"front_rss_kb\":%.0f", each(after.front_cpu - before.front_cpu, of), after.front_memory);
}

static void print_memory(struct usage before, struct usage after) {
    printf(",\"client_kb\":%.3f", (after.memory - before.memory) / client_count);
    printf(",\"kernel_kb\":%.3f", (after.kernel - before.kernel) / client_count);
    if (fronts.count) printf(",\"front_kb\":%.3f", (after.front_memory - before.front_memory) / client_count);
    printf("}\n");
}

static void print_latencies(void) {
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"last_ms\":%.3f}\n", share(0.5), share(0.99), share(1));
}

static void prepare_sender(struct link *link, struct client *client) {
    link->sends = 1;
    link->client = client;
    if (link->state == CLOSED) link_open(link);
}

static void wait_idle(struct link *link) {
    double limit = now() + timeout;
    while (link->state != IDLE) {
        turn(20);
        if (now() > limit) fail("the server does not answer");
    }
}

static void ask(const struct template *request) {
    prepare_sender(&control, &control_client);
    wait_idle(&control);
    link_send(&control, request);
}

static void connect_all(void) {
    struct usage before = usage_now();
    double start = now();
    int next = 0;
    while (counts.parked < client_count && now() - start < timeout) {
        while (next < client_count && counts.opening < window) link_open(&links[next++]);
        turn(10);
    }
    long errors = counts.errors;
    /* Some servers have no answer before they park: this one comes after all that they had to read. */
    ask(&check);
    wait_idle(&control);
    counts.errors = errors;
    double seconds = now() - start;
    struct usage after = usage_settled();
    print_common("connect", before, after, client_count);
    printf(",\"seconds\":%.3f,\"per_second\":%.1f", seconds, client_count / seconds);
    print_memory(before, after);
}

static void idle(double seconds) {
    struct usage before = usage_now();
    double start = now();
    while (now() - start < seconds) turn(50);
    struct usage after = usage_now();
    print_common("idle", before, after, client_count);
    double percent = 100 / seconds;
    printf(",\"seconds\":%.1f,\"cpu_percent\":%.3f", now() - start, (after.cpu - before.cpu) * percent);
    if (fronts.count) printf(",\"front_percent\":%.3f", (after.front_cpu - before.front_cpu) * percent);
    printf("}\n");
}

static void broadcast(void) {
    begin();
    struct usage before = usage_settled();
    double start = now();
    ask(&protocol.publish);
    while ((counts.delivered < client_count || counts.parked < client_count) && now() - start < timeout) turn(50);
    if (!counts.delivered) fail("nobody got what was published");
    struct usage after = usage_settled();
    print_common("broadcast", before, after, counts.delivered);
    print_latencies();
}

static int send_next(struct link *link, const long *answered) {
    if (link->state != IDLE || link->client->delivered < *answered) return 0;
    link->client->number++;
    link_send(link, &protocol.send);
    return 1;
}

/* Each of some clients sends a message, and the next one as soon as it has come back. */
static void echo(int active, double seconds) {
    long wanted[SENDERS] = {0};
    for (int i = 0; i < active; i++) {
        prepare_sender(&senders[i], &clients[i]);
        wait_idle(&senders[i]);
        wanted[i] = clients[i].delivered;
    }
    struct usage before = usage_settled();
    double start = now();
    while (now() - start < seconds) {
        for (int i = 0; i < active; i++) wanted[i] += send_next(&senders[i], &wanted[i]);
        turn(20);
    }
    double took = now() - start;
    long trips = counts.delivered;
    if (!trips) fail("nobody got an echo");
    struct usage after = usage_settled();
    print_common("echo", before, after, counts.delivered);
    printf(",\"seconds\":%.2f,\"active\":%d,\"per_second\":%.1f", took, active, trips / took);
    print_latencies();
}

/* Every client says once what it has had, over a few connections. */
static void acknowledge(void) {
    for (int i = 0; i < SENDERS; i++) {
        prepare_sender(&senders[i], &clients[0]);
        wait_idle(&senders[i]);
    }
    struct usage before = usage_settled();
    double start = now();
    int next = 0;
    while (next < client_count && now() - start < timeout) {
        for (int i = 0; i < SENDERS && next < client_count; i++) {
            if (senders[i].state != IDLE) continue;
            senders[i].client = &clients[next++];
            link_send(&senders[i], &protocol.acknowledge);
        }
        turn(20);
    }
    for (int i = 0; i < SENDERS; i++) wait_idle(&senders[i]);
    struct usage after = usage_settled();
    print_common("acknowledge", before, after, client_count);
    printf("}\n");
}

/* All lose their connection at once; a message is published while they are away; all come back at once. */
static void storm(void) {
    for (int i = 0; i < client_count; i++) {
        link_close(&links[i]);
        links[i].step = -1;
    }
    usage_settled();
    begin();
    if (protocol.keeps) {
        ask(&protocol.publish);
        wait_idle(&control);
    }
    struct usage before = usage_now();
    long wanted = protocol.keeps ? client_count : 0;
    double start = now();
    for (int i = 0; i < client_count; i++) {
        link_open(&links[i]);
        if (i % 256 == 255) turn(0);
    }
    while ((counts.delivered < wanted || counts.parked < client_count) && now() - start < timeout) turn(20);
    double seconds = now() - start;
    struct usage after = usage_settled();
    print_common("storm", before, after, client_count);
    printf(",\"seconds\":%.3f,\"missing\":%ld}\n", seconds, wanted > counts.delivered ? wanted - counts.delivered : 0);
}

static int repeated(const char *step, const char *name, void (*run)(void)) {
    size_t size = strlen(name);
    if (strncmp(step, name, size)) return 0;
    int rounds = step[size] == ':' ? atoi(step + size + 1) : 1;
    for (int i = 0; i < rounds; i++) {
        begin();
        run();
        fflush(stdout);
    }
    return 1;
}

static void run_step(const char *step) {
    int active;
    double seconds;
    begin();
    if (sscanf(step, "idle:%lf", &seconds) == 1)
        idle(seconds);
    else if (sscanf(step, "echo:%d:%lf", &active, &seconds) == 2 && active <= SENDERS)
        echo(active < client_count ? active : client_count, seconds);
    else if (!repeated(step, "connect", connect_all) && !repeated(step, "broadcast", broadcast) &&
             !repeated(step, "acknowledge", acknowledge) && !repeated(step, "storm", storm))
        fail("a step is connect, idle:SECONDS, broadcast:ROUNDS, echo:ACTIVE:SECONDS, acknowledge or storm");
    fflush(stdout);
}

static void add_process(struct processes *processes, const char *pid) {
    if (processes->count == MAX_PIDS) fail("too many processes");
    processes->pids[processes->count++] = atoi(pid);
}

static void read_option(const char *name, const char *value) {
    if (!strcmp(name, "--port"))
        port = atoi(value);
    else if (!strcmp(name, "--clients"))
        client_count = atoi(value);
    else if (!strcmp(name, "--sources"))
        sources = atoi(value);
    else if (!strcmp(name, "--window"))
        window = atoi(value);
    else if (!strcmp(name, "--timeout"))
        timeout = atof(value);
    else if (!strcmp(name, "--protocol"))
        protocol_read(value);
    else if (!strcmp(name, "--pid"))
        add_process(&servers, value);
    else if (!strcmp(name, "--front"))
        add_process(&fronts, value);
    else
        fail("an option is not known; they are named at the top of load.h");
}

static void prepare(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    clients_prepare(port, sources);
    clients = calloc(client_count, sizeof *clients);
    links = calloc(client_count, sizeof *links);
    for (int i = 0; i < client_count; i++) {
        clients[i].index = i;
        links[i].client = &clients[i];
        links[i].step = -1;
    }
}

int main(int argc, char **argv) {
    int i = 1;
    for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) read_option(argv[i], argv[i + 1]);
    if (!port || !protocol.poll.head || i == argc) fail("--port, --protocol and a step are needed");
    prepare();
    for (; i < argc; i++) run_step(argv[i]);
    return 0;
}
