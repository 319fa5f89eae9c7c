/* An HTTP server for tests: one static binary in an image FROM scratch. Told what to do by its environment:
   PORT (8000)      where it listens
   STATUS (200)     what it answers to any GET
   TAG              what it answers with, so that a test sees which container spoke
   DELAY_MS         how long it sleeps before it listens
   EXIT_MS          after how long it ends, with EXIT_CODE (1)
   SAY              a line that it writes before anything else
   CALL             host:port that a GET /call connects to; the answer says "open" or "closed" */
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

static const char *call(const char *target) {
  char host[64] = "";
  const char *colon = strrchr(target, ':');
  if (!colon || (size_t)(colon - target) >= sizeof host) return "closed";
  memcpy(host, target, (size_t)(colon - target));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(colon + 1))};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1) return "closed";
  int peer = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
  socklen_t size = sizeof error;
  if (connect(peer, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) error = errno;
  struct pollfd wait = {.fd = peer, .events = POLLOUT};
  if (!error && poll(&wait, 1, 1500) == 1) getsockopt(peer, SOL_SOCKET, SO_ERROR, &error, &size);
  else error = ETIMEDOUT;
  close(peer);
  return error ? "closed" : "open";
}

int main(void) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = INADDR_ANY};
  char request[4096], answer[1024], body[512];
  int on = 1, after = number("EXIT_MS", 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (getenv("SAY")) puts(getenv("SAY"));
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
      if (!strncmp(request, "GET /call", 9)) snprintf(body, sizeof body, "%s", call(text("CALL", "")));
      else snprintf(body, sizeof body, "%s", text("TAG", "tiny"));
      int size = snprintf(answer, sizeof answer,
                          "HTTP/1.1 %d tiny\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s",
                          number("STATUS", 200), strlen(body), body);
      if (write(client, answer, (size_t)size) < 0) perror("tiny");
    }
    shutdown(client, SHUT_WR);
    close(client);
  }
}
