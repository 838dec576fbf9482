// needs GNU's memmem and accept4
#define _GNU_SOURCE
// The floor and the target of the benchmark, in C over epoll.
//
//   epoll serve PORT BODY_BYTES STATUS    answers every request that ends in an empty line;
//                                         on SIGUSR1 it prints how many it has answered
//   epoll load PORT CONNECTIONS SECONDS   the least a client can do: one send and one
//                                         receive a request, no statistics, no parsing
//                                         beyond the length; prints how many requests
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char *reply;
static size_t reply_len;

struct peer { // a connection of the server
    size_t seen;    // how much of "\r\n\r\n" has just been read
    size_t pending; // bytes of replies still to be written
};

static volatile sig_atomic_t asked; // SIGUSR1 has come
static long answered;

static void ask(int sig) { asked = sig; }

static void die(const char *what) { perror(what); exit(1); }

static void nodelay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static char waiting[1 << 20]; // for room in the send buffer

static void flush(int ep, int fd, struct peer *p) {
    while (p->pending > 0) {
        size_t at = reply_len - (p->pending - 1) % reply_len - 1;
        ssize_t n = write(fd, reply + at, reply_len - at);
        if (n < 0) break;
        p->pending -= n;
    }
    struct epoll_event ev = {.events = EPOLLIN | (p->pending ? EPOLLOUT : 0), .data.fd = fd};
    if (waiting[fd] != (p->pending > 0)) {
        waiting[fd] = p->pending > 0;
        epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
    }
}

static int serve(int port, size_t body, int status) {
    reply = malloc(body + 256);
    reply_len = sprintf(reply, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
                        status, status == 200 ? "OK" : "Oh No", body);
    memset(reply + reply_len, 'x', body);
    if (body == 13) memcpy(reply + reply_len, "Hello, World!", 13);
    reply_len += body;

    int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(l, (void *)&a, sizeof a) || listen(l, 65535)) die("listen");
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ask}, 0);
    static struct peer peers[1 << 20];
    static char in[64 << 10];
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = l}, evs[256];
    int ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev);
    for (;;) {
        int n = epoll_wait(ep, evs, 256, -1);
        if (asked) {
            asked = 0;
            printf("%ld\n", answered);
            fflush(stdout);
        }
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            if (fd == l) {
                for (int c; (c = accept4(l, 0, 0, SOCK_NONBLOCK)) >= 0;) {
                    nodelay(c);
                    peers[c] = (struct peer){0};
                    waiting[c] = 0;
                    ev = (struct epoll_event){.events = EPOLLIN, .data.fd = c};
                    epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev);
                }
                continue;
            }
            struct peer *p = &peers[fd];
            if (evs[i].events & EPOLLIN) {
                ssize_t got = read(fd, in, sizeof in);
                if (got == 0 || (got < 0 && errno != EAGAIN)) {
                    p->pending = 0;
                    close(fd);
                    continue;
                }
                for (ssize_t j = 0; j < got; j++) {
                    if (in[j] == "\r\n\r\n"[p->seen]) {
                        if (++p->seen == 4) {
                            p->seen = 0;
                            p->pending += reply_len;
                            answered++;
                        }
                    } else {
                        p->seen = in[j] == '\r';
                    }
                }
            }
            flush(ep, fd, p);
        }
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int load(int port, int conns, double seconds) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    static char in[256 << 10];
    static size_t left[1 << 20];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ev, evs[256];
    int ep = epoll_create1(0);
    for (int i = 0; i < conns; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (void *)&a, sizeof a)) die("connect");
        nodelay(fd);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        ev = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
        if (write(fd, request, sizeof request - 1) < 0) die("write");
    }
    long done = 0;
    double end = now() + seconds;
    while (now() < end) {
        int n = epoll_wait(ep, evs, 256, 100);
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            ssize_t got = read(fd, in, sizeof in);
            if (got <= 0) {
                if (errno == EAGAIN) continue;
                die("read");
            }
            if (left[fd] == 0) {
                char *cl = memmem(in, got, "Content-Length: ", 16), *head = memmem(in, got, "\r\n\r\n", 4);
                if (!cl || !head) die("headers");
                left[fd] = strtoul(cl + 16, 0, 10) + (head + 4 - in);
            }
            left[fd] -= got;
            if (left[fd] > 0) continue;
            done++;
            if (write(fd, request, sizeof request - 1) < 0) die("write");
        }
    }
    printf("%ld\n", done);
    return 0;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5 && !strcmp(argv[1], "serve")) return serve(atoi(argv[2]), atol(argv[3]), atoi(argv[4]));
    if (argc == 5 && !strcmp(argv[1], "load")) return load(atoi(argv[2]), atoi(argv[3]), atof(argv[4]));
    fprintf(stderr, "epoll serve PORT BYTES STATUS | epoll load PORT CONNECTIONS SECONDS\n");
    return 2;
}
