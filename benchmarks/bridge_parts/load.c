/* Load on an MCP server, as cheap as it can be made, so that what is measured is the server.
 *
 * load http HOST PORT PATH CLIENTS SECONDS [PID_FILE]   one connection and one session for each client
 * load stdio CLIENTS SECONDS COMMAND [ARG ...]          the same calls on a child's pipes, CLIENTS in flight
 *
 * Prints one JSON object: calls, errors, seconds, p50_ms, p99_ms. While the load runs, between "start" and "stop" on
 * stderr, the caller may read what the server has used. Build: cc -O2 load.c -o load */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOM (1 << 16)
#define MOST 20000000

struct client {
    int fd;
    char session[200];
    char in[ROOM];
    size_t got;
    char request[2048];
    size_t length, sent;
    double began;
};

static float *latencies;
static long calls, errors;
static char host[100], path[200];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void post(struct client *c, const char *body)
{
    c->length = snprintf(c->request, sizeof c->request,
                         "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                         "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n"
                         "%s%s%sContent-Length: %zu\r\n\r\n%s",
                         path, host, *c->session ? "Mcp-Session-Id: " : "", c->session, *c->session ? "\r\n" : "",
                         strlen(body), body);
    c->sent = 0;
    c->got = 0;
}

/* The length of a whole reply at the start of the buffer, 0 while there is more to come. */
static size_t whole(struct client *c)
{
    c->in[c->got] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return 0;
    size_t head = end + 4 - c->in;
    *end = 0;
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    char *chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked");
    *end = '\r';
    if (chunked) {
        if (c->got - head >= 5 && !memcmp(c->in + c->got - 5, "0\r\n\r\n", 5))
            return c->got;
        return 0;
    }
    size_t want = head + (length ? strtoul(length + 17, NULL, 10) : 0);
    return c->got >= want ? want : 0;
}

static void roundtrip(struct client *c)
{
    while (c->sent < c->length) {
        ssize_t n = write(c->fd, c->request + c->sent, c->length - c->sent);
        if (n < 0)
            fail("write");
        c->sent += n;
    }
    while (!whole(c)) {
        ssize_t n = read(c->fd, c->in + c->got, ROOM - 1 - c->got);
        if (n <= 0)
            fail("read");
        c->got += n;
    }
}

static void dial(struct client *c, const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    inet_pton(AF_INET, address, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to))
        fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void open_session(struct client *c)
{
    post(c, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\","
            "\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}");
    roundtrip(c);
    char *found = strcasestr(c->in, "\r\nmcp-session-id:");
    if (found) {
        found += 17;
        while (*found == ' ')
            found++;
        size_t length = strcspn(found, "\r\n");
        memcpy(c->session, found, length);
        c->session[length] = 0;
    }
    post(c, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    roundtrip(c);
}

static void call(struct client *c)
{
    static long number = 1;
    char body[300];
    snprintf(body, sizeof body,
             "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
             "\"arguments\":{\"message\":\"hello, this is a message of a usual size\"}}}",
             number++);
    post(c, body);
    c->began = now();
    ssize_t n = write(c->fd, c->request, c->length);
    if (n != (ssize_t)c->length)
        fail("write");
}

static void note(double began, int good)
{
    if (calls < MOST)
        latencies[calls] = (now() - began) * 1000;
    calls++;
    errors += !good;
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print(double seconds)
{
    long kept = calls < MOST ? calls : MOST;
    qsort(latencies, kept, sizeof *latencies, ascending);
    printf("{\"calls\": %ld, \"errors\": %ld, \"seconds\": %.3f, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n", calls, errors,
           seconds, kept ? latencies[kept / 2] : 0, kept ? latencies[(long)(kept * 0.99)] : 0);
}

static void http(int argc, char **argv)
{
    if (argc < 7)
        exit(2);
    int port = atoi(argv[3]), count = atoi(argv[5]);
    double seconds = atof(argv[6]);
    snprintf(host, sizeof host, "%s:%d", argv[2], port);
    snprintf(path, sizeof path, "%s", argv[4]);
    struct client *clients = calloc(count, sizeof *clients);
    for (int i = 0; i < count; i++) {
        dial(&clients[i], argv[2], port);
        open_session(&clients[i]);
        call(&clients[i]);
        roundtrip((clients[i].sent = clients[i].length, &clients[i]));
    }
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event);
    }
    fprintf(stderr, "start\n");
    double began = now(), stop = began + seconds;
    for (int i = 0; i < count; i++)
        call(&clients[i]);
    int flying = count;
    while (flying) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll, events, 64, 10000);
        if (ready <= 0) {
            errors += flying;
            break;
        }
        for (int i = 0; i < ready; i++) {
            struct client *c = events[i].data.ptr;
            ssize_t n = read(c->fd, c->in + c->got, ROOM - 1 - c->got);
            if (n <= 0) {
                if (n < 0 && errno == EAGAIN)
                    continue;
                fail("the server closed a connection");
            }
            c->got += n;
            if (!whole(c))
                continue;
            note(c->began, !strncmp(c->in, "HTTP/1.1 200", 12) && strstr(c->in, "\"content\""));
            if (now() < stop)
                call(c);
            else
                flying--;
        }
    }
    double took = now() - began;
    fprintf(stderr, "stop\n");
    print(took);
}

static void stdio(int argc, char **argv)
{
    if (argc < 5)
        exit(2);
    int count = atoi(argv[2]), to[2], from[2];
    double seconds = atof(argv[3]);
    if (pipe(to) || pipe(from))
        fail("pipe");
    if (!fork()) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        execvp(argv[4], argv + 4);
        _exit(127);
    }
    FILE *out = fdopen(from[0], "r");
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
                               "\"arguments\":{\"message\":\"hello, this is a message of a usual size\"}}}\n";
    char answer[4096];
    fprintf(stderr, "start\n");
    double began = now(), stop = began + seconds, times[1024];
    int next = 0;
    for (int i = 0; i < count; i++) {
        times[i] = now();
        if (write(to[1], line, sizeof line - 1) < 0)
            fail("write");
    }
    for (int flying = count; flying;) {
        if (!fgets(answer, sizeof answer, out))
            fail("the server is gone");
        note(times[next], strstr(answer, "\"content\"") != NULL);
        if (now() < stop) {
            times[next] = now();
            if (write(to[1], line, sizeof line - 1) < 0)
                fail("write");
        } else
            flying--;
        next = (next + 1) % count;
    }
    double took = now() - began;
    fprintf(stderr, "stop\n");
    close(to[1]);
    wait(NULL);
    print(took);
}

int main(int argc, char **argv)
{
    latencies = malloc(MOST * sizeof *latencies);
    if (argc > 1 && !strcmp(argv[1], "http"))
        http(argc, argv);
    else if (argc > 1 && !strcmp(argv[1], "stdio"))
        stdio(argc, argv);
    else
        return 2;
    return 0;
}
