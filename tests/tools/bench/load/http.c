/* Answers of HTTP/1.1, taken apart as they arrive. */
#define _GNU_SOURCE
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void drop(struct link *link, size_t size) {
    link->in_size -= size;
    memmove(link->in, link->in + size, link->in_size);
}

static void read_field(struct response *response, const char *line) {
    if (!strncasecmp(line, "content-length:", 15)) response->left = atol(line + 15);
    if (!strncasecmp(line, "transfer-encoding: chunked", 26)) response->chunked = 1;
    if (!strncasecmp(line, "connection: close", 17)) response->closes = 1;
    if (!strncasecmp(line, "connection: keep-alive", 22)) response->closes = 0;
}

static int read_head(struct link *link) {
    char *end = memmem(link->in, link->in_size, "\r\n\r\n", 4);
    if (!end) return 0;
    struct response *response = &link->response;
    *response = (struct response){.begun = 1, .status = atoi(link->in + 9), .left = -1};
    response->closes = !strncmp(link->in, "HTTP/1.0", 8);
    for (char *line = link->in; line < end; line = strstr(line, "\r\n") + 2) read_field(response, line);
    if (response->status == 204 || response->status == 304) response->left = 0;
    if (!link->sends) capture(link->client, 1, link->in, end + 4 - link->in);
    drop(link, end + 4 - link->in);
    return 1;
}

static void complete(struct link *link) {
    link->response.begun = 0;
    link_response(link);
}

static int read_chunk(struct link *link) {
    char *line_end = memmem(link->in, link->in_size, "\r\n", 2);
    if (!line_end) return 0;
    size_t begin = line_end + 2 - link->in, size = strtoul(link->in, NULL, 16);
    if (link->in_size < begin + size + 2) return 0;
    if (size) link_body(link, link->in + begin, size);
    drop(link, begin + size + 2);
    if (!size) complete(link);
    return 1;
}

static int read_whole(struct link *link) {
    size_t size = link->response.left;
    if (link->in_size < size) return 0;
    if (size) link_body(link, link->in, size);
    drop(link, size);
    complete(link);
    return 1;
}

static int read_rest(struct link *link) {
    if (link->in_size) link_body(link, link->in, link->in_size);
    link->in_size = 0;
    return 0;
}

static int read_body(struct link *link) {
    if (link->response.chunked) return read_chunk(link);
    return link->response.left >= 0 ? read_whole(link) : read_rest(link);
}

void http_arrived(struct link *link) {
    int more = 1;
    while (more && link->state != CLOSED && link->state != CONNECTING)
        if (link->response.begun)
            more = read_body(link);
        else
            more = link->in_size && read_head(link);
}
