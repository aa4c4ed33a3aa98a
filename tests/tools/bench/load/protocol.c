/* What a client of a protocol says. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct protocol protocol;

/* What browsers say beside what a protocol needs; a browser's cookie is its own. Without Accept-Encoding, so that
 * no server packs its answers. */
static const char *browser =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Origin: http://bench\r\n"
    "Connection: keep-alive\r\n"
    "Referer: http://bench/page/\r\n"
    "Cookie: theme=light; visitor={client}{client}{client}{client}{client}{client}\r\n";

/* In the first value an underscore stands for a space. */
static void add_capture(const char *words, int header, int once) {
    struct capture *to = &protocol.captures[protocol.capture_count++];
    if (protocol.capture_count > MAX_CAPTURES) fail("a protocol has too many captures");
    if (sscanf(words, "%23s %47s %47[^\n]", to->name, to->first, to->prefix) != 3)
        fail("a capture is NAME FIRST PREFIX");
    for (char *at = to->first; (at = strchr(at, '_'));) *at = ' ';
    to->header = header;
    to->once = once;
}

static struct template *section(const char *name, const char *words) {
    if (!strcmp(name, "capture")) add_capture(words, 0, 0);
    if (!strcmp(name, "once")) add_capture(words, 0, 1);
    if (!strcmp(name, "header")) add_capture(words, 1, 0);
    if (!strcmp(name, "keeps")) protocol.keeps = 1;
    if (!strcmp(name, "resume")) protocol.resume = atoi(words);
    if (!strcmp(name, "poll")) return &protocol.poll;
    if (!strcmp(name, "send")) return &protocol.send;
    if (!strcmp(name, "publish")) return &protocol.publish;
    if (!strcmp(name, "acknowledge")) return &protocol.acknowledge;
    if (!strcmp(name, "open") && protocol.opening_count < MAX_OPENING)
        return &protocol.opening[protocol.opening_count++];
    return NULL;
}

static void append(char **text, const char *line, const char *end) {
    size_t size = *text ? strlen(*text) : 0;
    *text = realloc(*text, size + strlen(line) + 3);
    strcpy(*text + size, line);
    strcat(*text, end);
}

static void add_browser(struct template *request) {
    if (request->head) append(&request->head, browser, "");
}

/* Lines "== NAME WORDS" begin a section; what follows is a request: its header, an empty line, its body. */
void protocol_read(const char *path) {
    char line[2048], name[32], words[512];
    struct template *request = NULL;
    int in_body = 0;
    FILE *file = fopen(path, "r");
    if (!file) fail("the protocol's file cannot be read");
    protocol.resume = -1;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        words[0] = 0;
        if (sscanf(line, "== %31s %511[^\n]", name, words) >= 1) {
            request = section(name, words);
            in_body = 0;
        } else if (request && !in_body && !line[0])
            in_body = 1;
        else if (request && in_body && line[0])
            append(&request->body, line, "");
        else if (request && line[0])
            append(&request->head, line, "\r\n");
    }
    fclose(file);
    for (int i = 0; i < protocol.opening_count; i++) add_browser(&protocol.opening[i]);
    add_browser(&protocol.poll);
    add_browser(&protocol.send);
    add_browser(&protocol.acknowledge);
    if (protocol.resume < 0) protocol.resume = protocol.opening_count;
    if (!protocol.poll.head || !protocol.publish.head) fail("a protocol needs poll and publish");
}

/* The text for the placeholder at `at`, and its length in *skip; NULL where there is none. */
static const char *placeholder(const char *at, struct client *client, size_t *skip) {
    static char text[32];
    for (int i = 0; i < protocol.capture_count; i++) {
        const struct capture *capture = &protocol.captures[i];
        size_t size = strlen(capture->name);
        if (strncmp(at + 1, capture->name, size) || at[size + 1] != '}') continue;
        *skip = size + 2;
        return client->captured[i][0] ? client->captured[i] : capture->first;
    }
    if (!strncmp(at, "{session}", *skip = 9))
        snprintf(text, sizeof text, "s%09d", client->session);
    else if (!strncmp(at, "{client}", *skip = 8))
        snprintf(text, sizeof text, "c%09d", client->index);
    else if (!strncmp(at, "{n}", *skip = 3))
        snprintf(text, sizeof text, "%d", client->number);
    else if (!strncmp(at, "{now}", *skip = 5))
        snprintf(text, sizeof text, "~%019lld~", now_ns());
    else
        return NULL;
    return text;
}

static size_t fill(const char *from, struct client *client, char *to, size_t room) {
    size_t size = 0, skip;
    while (*from && size < room - CAPTURE_SIZE) {
        const char *text = *from == '{' ? placeholder(from, client, &skip) : NULL;
        if (!text) {
            to[size++] = *from++;
            continue;
        }
        size_t length = strlen(text);
        memcpy(to + size, text, length);
        size += length;
        from += skip;
    }
    return size;
}

/* Write a request of at most REQUEST_SIZE bytes; return its size. */
size_t render(const struct template *request, struct client *client, char *to) {
    char body[REQUEST_SIZE / 2];
    size_t size = fill(request->head, client, to, REQUEST_SIZE / 2 - 64);
    size_t body_size = request->body ? fill(request->body, client, body, sizeof body) : 0;
    if (request->body || !strncmp(to, "POST", 4))
        size += sprintf(to + size, "Content-Length: %zu\r\n", body_size);
    memcpy(to + size, "\r\n", 2);
    memcpy(to + size + 2, body, body_size);
    return size + 2 + body_size;
}

/* Keep what follows the last occurrence of each capture's prefix. */
void capture(struct client *client, int header, const char *data, size_t size) {
    for (int i = 0; i < protocol.capture_count; i++) {
        const char *prefix = protocol.captures[i].prefix, *found = NULL, *at = data, *end = data + size;
        if (protocol.captures[i].header != header) continue;
        if (protocol.captures[i].once && client->captured[i][0]) continue;
        while ((at = memmem(at, end - at, prefix, strlen(prefix)))) found = at = at + strlen(prefix);
        if (!found) continue;
        int length = 0;
        const char *ends = header ? "\r\n" : "\"\\,}] \r\n";
        while (found + length < end && length < CAPTURE_SIZE - 1 && !strchr(ends, found[length])) length++;
        memcpy(client->captured[i], found, length);
        client->captured[i][length] = 0;
    }
}
