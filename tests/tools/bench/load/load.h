/* A load generator for servers that keep browsers' requests waiting: many clients in one epoll loop.
 *
 *   load --port P --clients N --protocol FILE [--sources S] [--window W] [--timeout SECONDS] [--pid PID]... [--front PID]... STEP...
 *
 * protocol.c   what a client says: requests as templates, read from a file (its form: ../README.md)
 * http.c       answers, taken apart as they arrive
 * client.c     connections, and what a client does next
 * usage.c      processor time and memory of the server's processes, and clocks
 * main.c       the steps; each prints one line of JSON
 */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>

#define MAX_CAPTURES 4
#define CAPTURE_SIZE 128
#define MAX_OPENING 5
#define MAX_PIDS 64
#define REQUEST_SIZE 16384

struct template {
    char *head; /* lines that end with \r\n; NULL: the protocol has no such request */
    char *body; /* NULL: a request without one */
};

struct capture {
    char name[24], prefix[48], first[48];
    int header; /* taken from the answer's header, not from its body */
    int once;   /* the first value of a session counts */
};

struct protocol {
    struct capture captures[MAX_CAPTURES];
    int capture_count;
    struct template opening[MAX_OPENING];
    int opening_count;
    int resume;  /* the opening step that a client that comes back begins with */
    int keeps;   /* the server keeps messages for clients that are away */
    struct template poll, send, acknowledge, publish;
};

struct client {
    char captured[MAX_CAPTURES][CAPTURE_SIZE];
    int index, session, number;
    int known; /* its opening is done: it resumes */
    long delivered;
};

struct response {
    int begun, status, chunked, closes;
    long left; /* bytes of the body that are missing; -1: until the connection closes */
};

enum state { CLOSED, CONNECTING, OPENING, DUE, PARKED, IDLE, WAITING };

/* A connection. One that receives goes through the opening and then polls for ever, and is DUE before it polls
 * again; one that sends is IDLE or WAITING for the answer to one request. */
struct link {
    int fd, sends, step, counted;
    enum state state;
    struct client *client;
    struct response response;
    char *in, *out;
    size_t in_size, in_room, out_size, out_done;
    double retry_at;
};

struct counts {
    long delivered, refused, errors;
    int parked, opening;
};

struct processes {
    int pids[MAX_PIDS], count;
};

struct usage {
    double cpu, memory;             /* of the server; seconds, KB */
    double front_cpu, front_memory; /* of a proxy before it */
    double kernel;                  /* of this machine; KB */
};

extern struct protocol protocol;
extern struct counts counts;
extern double *latencies; /* milliseconds, one for each delivery since latency_count was set to 0 */
extern long latency_count;

/* protocol.c */
void protocol_read(const char *path);
size_t render(const struct template *request, struct client *client, char *to);
void capture(struct client *client, int header, const char *data, size_t size);

/* http.c: read what has arrived; calls link_body and link_response */
void http_arrived(struct link *link);

/* client.c */
void clients_prepare(int port, int sources);
void link_open(struct link *link);
void link_close(struct link *link);
void link_send(struct link *link, const struct template *request);
void link_body(struct link *link, const char *data, size_t size);
void link_response(struct link *link);
void link_failed(struct link *link);
void turn(int milliseconds);

/* usage.c */
extern struct processes servers, fronts;
double now(void);
long long now_ns(void);
struct usage usage_now(void);
struct usage usage_settled(void);
void fail(const char *what);

#endif
