/* Connections in one epoll loop, and what a client does next. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARK_DIGITS 19
#define RETRY_SECONDS 0.1
/* Polls that are sent before it is looked again whether there is something to read. */
#define POLLS_AT_ONCE 8

struct counts counts;
double *latencies;
long latency_count;

static int epoll, source_count, session_count;
static long latency_room;
static struct sockaddr_in server;
static struct link **retries;
static int retry_count, retry_room;
static struct link **polls;
static int poll_first, poll_end, poll_room;

void clients_prepare(int port, int sources) {
    epoll = epoll_create1(0);
    source_count = sources;
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void set_events(struct link *link, int operation, int events) {
    struct epoll_event event = {.events = events, .data.ptr = link};
    epoll_ctl(epoll, operation, link->fd, &event);
}

/* One address has some 28,000 ports for one server: the clients come from several. */
static void bind_source(struct link *link) {
    int yes = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + link->client->index % source_count);
    setsockopt(link->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    bind(link->fd, (struct sockaddr *)&source, sizeof source);
}

void link_open(struct link *link) {
    int yes = 1;
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (link->fd < 0) fail("no socket left: raise the limit of open files (ulimit -n)");
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    bind_source(link);
    link->state = CONNECTING;
    link->response.begun = 0;
    if (!link->sends && !link->counted) {
        link->counted = 1;
        counts.opening++;
    }
    if (connect(link->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
        link_failed(link);
    else
        set_events(link, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void link_close(struct link *link) {
    if (link->state == CLOSED) return;
    if (link->state == PARKED) counts.parked--;
    link->state = CLOSED;
    close(link->fd);
    free(link->in);
    free(link->out);
    link->in = link->out = NULL;
    link->in_size = link->in_room = link->out_size = link->out_done = 0;
}

static void try_later(struct link *link) {
    if (retry_count == retry_room)
        retries = realloc(retries, (retry_room = retry_room * 2 + 64) * sizeof *retries);
    retries[retry_count++] = link;
}

/* Refused, cut off or answered with an error: try again a little later. */
void link_failed(struct link *link) {
    link_close(link);
    counts.refused++;
    link->retry_at = now() + RETRY_SECONDS;
    try_later(link);
}

static void write_out(struct link *link) {
    while (link->out_done < link->out_size) {
        ssize_t size = send(link->fd, link->out + link->out_done, link->out_size - link->out_done, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN) return set_events(link, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        if (size < 0) return;
        link->out_done += size;
    }
    free(link->out);
    link->out = NULL;
    link->out_size = link->out_done = 0;
}

static void write_request(struct link *link, const struct template *request) {
    char text[REQUEST_SIZE];
    size_t size = render(request, link->client, text);
    ssize_t done = send(link->fd, text, size, MSG_NOSIGNAL);
    if (done == (ssize_t)size) return;
    link->out_done = 0;
    link->out_size = size - (done > 0 ? done : 0);
    link->out = malloc(link->out_size);
    memcpy(link->out, text + size - link->out_size, link->out_size);
    set_events(link, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

void link_send(struct link *link, const struct template *request) {
    link->state = WAITING;
    write_request(link, request);
}

static void park(struct link *link) {
    if (link->counted) {
        link->counted = 0;
        counts.opening--;
    }
    link->client->known = 1;
    link->state = PARKED;
    counts.parked++;
    write_request(link, &protocol.poll);
}

/* The clients stand for as many machines: the next poll of one must not keep another from reading. */
static void poll_later(struct link *link) {
    link->state = DUE;
    if (poll_end == poll_room) polls = realloc(polls, (poll_room = poll_room * 2 + 1024) * sizeof *polls);
    polls[poll_end++] = link;
}

static void send_polls(void) {
    for (int i = 0; i < POLLS_AT_ONCE && poll_first < poll_end; i++) {
        struct link *link = polls[poll_first++];
        if (link->state == DUE) park(link); /* else it was closed meanwhile */
    }
    if (poll_first == poll_end) poll_first = poll_end = 0;
}


static void go_on(struct link *link) {
    if (link->sends) {
        link->state = IDLE;
    } else if (link->step < protocol.opening_count) {
        link->state = OPENING;
        write_request(link, &protocol.opening[link->step]);
    } else
        park(link);
}

static void connected(struct link *link) {
    set_events(link, EPOLL_CTL_MOD, EPOLLIN);
    /* A connection that was closed between two answers goes on where it was. */
    if (!link->sends && link->step < 0) {
        link->step = link->client->known ? protocol.resume : 0;
        link->client->session = ++session_count;
        if (!link->step) memset(link->client->captured, 0, sizeof link->client->captured);
    }
    go_on(link);
}

static void deliver(struct client *client, long long sent) {
    counts.delivered++;
    client->delivered++;
    if (latency_count == latency_room)
        latencies = realloc(latencies, (latency_room = latency_room * 2 + 65536) * sizeof *latencies);
    latencies[latency_count++] = (now_ns() - sent) / 1e6;
}

void link_body(struct link *link, const char *data, size_t size) {
    if (link->sends) return;
    capture(link->client, 0, data, size);
    const char *end = data + size;
    while ((data = memchr(data, '~', end - data)) && data + MARK_DIGITS + 1 < end) {
        int marked = data[MARK_DIGITS + 1] == '~';
        if (marked) deliver(link->client, atoll(data + 1));
        data += marked ? MARK_DIGITS + 2 : 1;
    }
}

void link_response(struct link *link) {
    if (link->response.status >= 400) counts.errors++;
    if (link->response.status >= 400 && !link->sends) {
        link->step = -1;
        return link_failed(link);
    }
    int closes = link->response.closes;
    if (link->state == OPENING) link->step++;
    if (closes) {
        link_close(link);
        return link_open(link);
    }
    if (link->state != PARKED) return go_on(link);
    counts.parked--;
    poll_later(link);
}

static void lost(struct link *link) {
    if (link->response.begun && !link->response.chunked && link->response.left < 0) {
        link->response.begun = 0;
        link->response.closes = 1;
        return link_response(link);
    }
    link->step = -1;
    link_failed(link);
}

/* Return whether the connection may have more to read. */
static int read_some(struct link *link) {
    if (link->in_room - link->in_size < 4096)
        link->in = realloc(link->in, link->in_room = link->in_size + 8192);
    size_t room = link->in_room - link->in_size - 1;
    ssize_t size = recv(link->fd, link->in + link->in_size, room, 0);
    if (size < 0 && errno == EAGAIN) return 0;
    if (size <= 0) {
        lost(link);
        return 0;
    }
    link->in_size += size;
    link->in[link->in_size] = 0;
    http_arrived(link);
    return size == (ssize_t)room && link->state != CLOSED && link->state != CONNECTING;
}

static void happened(struct link *link, unsigned events) {
    if (link->state == CLOSED) return;
    if (link->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        return error ? link_failed(link) : connected(link);
    }
    if (events & EPOLLOUT && link->out) {
        write_out(link);
        if (!link->out) set_events(link, EPOLL_CTL_MOD, EPOLLIN);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    while (read_some(link)) continue;
    if (link->in_size == 0) {
        free(link->in);
        link->in = NULL;
        link->in_room = 0;
    }
}

static void retry(void) {
    struct link **tried = retries;
    int count = retry_count;
    retries = NULL;
    retry_count = retry_room = 0;
    double time = now();
    for (int i = 0; i < count; i++) {
        if (tried[i]->state != CLOSED) continue; /* it was opened again by a step */
        if (tried[i]->retry_at <= time)
            link_open(tried[i]);
        else
            try_later(tried[i]);
    }
    free(tried);
}

void turn(int milliseconds) {
    struct epoll_event events[512];
    int count = epoll_wait(epoll, events, 512, poll_end ? 0 : milliseconds);
    for (int i = 0; i < count; i++) happened(events[i].data.ptr, events[i].events);
    if (count == 0) send_polls();
    if (retry_count) retry();
}
