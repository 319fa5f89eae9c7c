/* An HTTP server for tests: one static binary in an image FROM scratch. Told what to do by its environment:
   PORT (8000)      where it listens
   STATUS (200)     what it answers
   POST_STATUS      what it answers to a POST, where that is something else
   TAG              what it answers with, so that a test sees which container spoke
   DELAY_MS         how long it sleeps before it listens
   EXIT_MS          after how long it ends, with EXIT_CODE (1)
   SAY              a line that it writes before anything else
   LONG             how many bytes of one line it writes then
   CALL             host:port that a GET /call connects to; the answer says "open" or "closed"
   A GET /call/HOST:PORT names another one, by an address or as it stands in /etc/hosts; a GET /look/NAME asks the name
   server for it and says "found", "unknown" or "silent". */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int number(const char *name, int otherwise) {
  const char *value = getenv(name);
  return value && *value ? atoi(value) : otherwise;
}

static const char *text(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value && *value ? value : otherwise;
}

static void pass(int milliseconds) {
  struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  nanosleep(&time, NULL);
}

static void leave(int signal) { _exit(signal == SIGALRM ? number("EXIT_CODE", 1) : 0); }

/* Not getaddrinfo: a static program cannot load what that needs. */
static int address(const char *host, struct in_addr *found) {
  char line[512], numbers[64], name[256];
  if (inet_pton(AF_INET, host, found) == 1) return 1;
  FILE *hosts = fopen("/etc/hosts", "r");
  int known = 0;
  while (hosts && !known && fgets(line, sizeof line, hosts))
    known = sscanf(line, "%63s %255s", numbers, name) == 2 && !strcmp(name, host) &&
            inet_pton(AF_INET, numbers, found) == 1;
  if (hosts) fclose(hosts);
  return known;
}

static const char *look(const char *name) {
  unsigned char query[512] = {0, 7, 1, 0, 0, 1}, reply[512];
  size_t length = 12;
  for (const char *part = name; *part; part += strcspn(part, ".") + (part[strcspn(part, ".")] == '.')) {
    size_t size = strcspn(part, ".");
    if (!size || length + size + 6 > sizeof query) return "unknown";
    query[length++] = (unsigned char)size;
    memcpy(query + length, part, size);
    length += size;
  }
  query[length + 2] = query[length + 4] = 1;
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
  inet_pton(AF_INET, "127.0.0.11", &server.sin_addr);
  int asking = socket(AF_INET, SOCK_DGRAM, 0);
  struct timeval patience = {4, 0};
  setsockopt(asking, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sendto(asking, query, length + 5, 0, (struct sockaddr *)&server, sizeof server);
  ssize_t got = recv(asking, reply, sizeof reply, 0);
  close(asking);
  return got < 12 ? "silent" : (reply[3] & 15) == 0 && reply[7] ? "found" : "unknown";
}

static const char *call(const char *target) {
  char host[256] = "";
  const char *colon = strrchr(target, ':');
  if (!colon || (size_t)(colon - target) >= sizeof host) return "closed";
  memcpy(host, target, (size_t)(colon - target));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(colon + 1))};
  if (!address(host, &to.sin_addr)) return "closed";
  int peer = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
  socklen_t size = sizeof error;
  if (connect(peer, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) error = errno;
  struct pollfd wait = {.fd = peer, .events = POLLOUT};
  if (!error && poll(&wait, 1, 1500) == 1) getsockopt(peer, SOL_SOCKET, SO_ERROR, &error, &size);
  else error = ETIMEDOUT;
  close(peer);
  return error ? "closed" : "open";
}

int main(int count, char **arguments) {
  if (count > 1 && !strcmp(arguments[1], "check")) return 0; /* the image's health check */
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = INADDR_ANY};
  char request[4096], answer[1024], body[512];
  int on = 1, after = number("EXIT_MS", 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (getenv("SAY")) puts(getenv("SAY"));
  if (number("LONG", 0)) {
    for (int each = number("LONG", 0); each > 0; each--) putchar('x');
    putchar('\n');
  }
  signal(SIGTERM, leave);
  signal(SIGALRM, leave);
  signal(SIGPIPE, SIG_IGN);
  if (after) {
    struct itimerval timer = {{0, 0}, {after / 1000, (after % 1000) * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
  }
  pass(number("DELAY_MS", 0));
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  here.sin_port = htons((unsigned short)number("PORT", 8000));
  if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 128)) {
    perror("tiny");
    return 3;
  }
  printf("tiny listens on %d\n", number("PORT", 8000));
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    struct timeval patience = {5, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t got = read(client, request, sizeof request - 1);
    if (got > 0) {
      request[got] = 0;
      char *end = strchr(request + 4, ' ');
      if (end) *end = 0;
      if (!strncmp(request, "GET /call/", 10)) snprintf(body, sizeof body, "%s", call(request + 10));
      else if (!strncmp(request, "GET /look/", 10)) snprintf(body, sizeof body, "%s", look(request + 10));
      else if (!strncmp(request, "GET /call", 9)) snprintf(body, sizeof body, "%s", call(text("CALL", "")));
      else snprintf(body, sizeof body, "%s", text("TAG", "tiny"));
      int size = snprintf(answer, sizeof answer,
                          "HTTP/1.1 %d tiny\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s",
                          number(!strncmp(request, "POST", 4) && getenv("POST_STATUS") ? "POST_STATUS" : "STATUS", 200),
                          strlen(body), body);
      if (write(client, answer, (size_t)size) < 0) perror("tiny");
    }
    shutdown(client, SHUT_WR);
    close(client);
  }
}
